/* How tightly things bind, loosest first: what the parser waits by and the printer puts parentheses by. */
#ifndef DZ_LANG_POWER_H
#define DZ_LANG_POWER_H

enum {
  POWER_NONE,
  POWER_CHOICE,
  POWER_OR,
  POWER_AND,
  POWER_COMPARE,
  POWER_ADD,
  POWER_MUL,
  POWER_PREFIX,
  POWER_POWER,
  POWER_ATOM /* a name, a call, a bracket, a root sign, a prime */
};

#endif
