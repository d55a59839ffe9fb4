#ifndef DZ_TESTS_ORACLE_MAIN_H
#define DZ_TESTS_ORACLE_MAIN_H

int oracle_main(int argc, char **argv);

#endif
