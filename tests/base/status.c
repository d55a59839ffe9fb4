/* Errors as records: what is kept, what is cut, and where. */
#include "base/status.h"
#include "suite.h"

#include <string.h>

START_TEST(every_status_has_a_text) {
  for (int s = 0; s < DZ_STATUS_COUNT; s++)
    for (int k = 0; k < s; k++) ck_assert_str_ne(dz_status_text((dz_status)s), dz_status_text((dz_status)k));
  ck_assert_str_eq(dz_status_text(DZ_OK), "ok");
  ck_assert_str_eq(dz_status_text(DZ_ERR_MEMORY), "out of memory");
  ck_assert_str_eq(dz_status_text(DZ_STATUS_COUNT), "unknown status");
  ck_assert_str_eq(dz_status_text((dz_status)-1), "unknown status");
  ck_assert_str_eq(dz_version(), DZ_VERSION);
}
END_TEST

START_TEST(the_first_error_stays) {
  dz_error e = {.status = DZ_OK, .line = 3, .file = "of before"};
  ck_assert_int_eq(dz__fail(NULL, DZ_ERR_NAME, "f", "x"), DZ_ERR_NAME);
  ck_assert_int_eq(dz__fail(&e, DZ_ERR_LIMIT, NULL, "%d of %s", 3, "four"), DZ_ERR_LIMIT);
  ck_assert_int_eq(dz__fail(&e, DZ_ERR_NAME, "f", "another"), DZ_ERR_NAME);
  ck_assert_int_eq(e.status, DZ_ERR_LIMIT);
  ck_assert_str_eq(e.message, "3 of four");
  ck_assert_str_eq(e.op, "");
  ck_assert_int_eq(e.line, 0);
  ck_assert_str_eq(e.file, "");
}
END_TEST

START_TEST(the_first_place_stays) {
  dz_error none = {.status = DZ_OK}, e = {.status = DZ_ERR_NAME}, f = {.status = DZ_ERR_NAME};
  dz__fail_at(NULL, "a", 1, 2);
  dz__fail_at(&none, "a", 1, 2);
  ck_assert_int_eq(none.line, 0);
  dz__fail_at(&e, NULL, 3, 4);
  dz__fail_at(&e, "b", 5, 6);
  ck_assert_int_eq(e.line, 3);
  ck_assert_int_eq(e.column, 4);
  ck_assert_str_eq(e.file, "");
  dz__fail_at(&f, "folder/file.c", 7, 0);
  ck_assert_str_eq(f.file, "folder/file.c");
}
END_TEST

/* Of a path that is too long the last part is kept; what is still too long is cut at a whole character. */
START_TEST(long_paths_are_cut) {
  char path[200];
  dz_error e = {.status = DZ_ERR_NAME}, f = e;
  memset(path, 'a', 100);
  strcpy(path + 100, "/short.c");
  dz__fail_at(&e, path, 1, 1);
  ck_assert_str_eq(e.file, "short.c");
  dz_error g = f;
  dz__fail_at(&g, path + 100 + strlen("/short.c") - sizeof g.file, 1, 1); /* long by one */
  ck_assert_str_eq(g.file, "short.c");
  memset(path, 'b', 100);
  path[100] = 0;
  dz__fail_at(&f, path, 1, 1);
  ck_assert_uint_eq(strlen(f.file), sizeof f.file - 1);
  dz_error h = {.status = DZ_ERR_NAME};
  for (size_t i = 0; i < 100; i += 2) memcpy(path + i, "\xc3\xa9", 2);
  dz__fail_at(&h, path, 1, 1);
  ck_assert_uint_eq(strlen(h.file), sizeof h.file - 2); /* no half of a character */
}
END_TEST

/* Room for 415 bytes and the end: of a text of n bytes before é (two bytes) and more behind it, what is whole
   is left. */
START_TEST(long_messages_end_in_a_whole_character) {
  char text[600];
  const size_t room = sizeof((dz_error *)0)->message - 1;
  for (size_t n = room - 3; n <= room + 1; n++) {
    dz_error e = {.status = DZ_OK};
    memset(text, 'x', n);
    strcpy(text + n, "\xc3\xa9 and so on");
    dz__fail(&e, DZ_ERR_NAME, "f", "%s", text);
    const size_t left = strlen(e.message);
    ck_assert_uint_ge(left, room - 2);
    ck_assert_uint_le(left, room);
    ck_assert(memcmp(e.message, text, left) == 0);
    ck_assert(left != n + 1); /* é is not halved */
  }
  /* Bytes that are no text at all leave nothing, and no loop runs off the beginning. */
  dz_error e = {.status = DZ_OK};
  memset(text, 0x80, sizeof text - 1);
  text[sizeof text - 1] = 0;
  dz__fail(&e, DZ_ERR_NAME, "f", "%s", text);
  ck_assert_str_eq(e.message, "");
  dz_error long_by_one = {.status = DZ_OK}, half = long_by_one;
  memset(text, 'x', room - 1);
  strcpy(text + room - 1, "\xc3\xa9");
  dz__fail(&long_by_one, DZ_ERR_NAME, "f", "%s", text);
  ck_assert_uint_eq(strlen(long_by_one.message), room - 1);
  memset(text + 1, 0x80, room + 10); /* no character at all, but the beginning of one */
  text[0] = (char)0xc3;
  text[room + 11] = 0;
  dz__fail(&half, DZ_ERR_NAME, "f", "%s", text);
  ck_assert_str_eq(half.message, "");
}
END_TEST

SUITE(ONCE(every_status_has_a_text), ONCE(the_first_error_stays), ONCE(the_first_place_stays),
      ONCE(long_paths_are_cut), ONCE(long_messages_end_in_a_whole_character))
