/* What `dz help VERB` prints, where it does not stand in help.c. */
#ifndef DZ_CLI_HELP_H
#define DZ_CLI_HELP_H

extern const char help_explain[], help_paths[], help_why[], help_grade[], help_train[], help_predict[];

#endif
