/* The commands of tagpool: each file of this room but main.c has one, and main.c lists them. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "base/command.h"

extern const struct command command_run;
extern const struct command command_compare;
extern const struct command command_doctor;
extern const struct command command_stats;
extern const struct command command_profile;
extern const struct command command_record;
extern const struct command command_report;
extern const struct command command_replay;
extern const struct command command_replay_child;

#endif
