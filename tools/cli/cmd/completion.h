/* Completion of the command line, from the same tables that it is read by.
 *
 * Each function writes a script for one shell. Commands come from `commands`, ended by NULL; those
 * without a summary are left out. Options are completed up to "--" or the first word that is none,
 * after that the other program's command line is completed as the shell does.
 */
#ifndef CMD_COMPLETION_H
#define CMD_COMPLETION_H

#include "base/command.h"

void completion_print_bash(FILE *out, const struct command *const *commands);
void completion_print_zsh(FILE *out, const struct command *const *commands);
void completion_print_fish(FILE *out, const struct command *const *commands);

#endif
