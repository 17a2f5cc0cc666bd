/* What the kernel told the process at its start, where it put it: arguments, environment and
 * auxiliary vector. Floor 0. It can be read before the C library is set up.
 */
#ifndef STARTUP_H
#define STARTUP_H

/* The arguments and the environment, lists with a NULL at the end; NULL where they are not known.
 * Names and values are as they were; the C library may have taken out variables. */
char **startup_arguments(void);
char **startup_environment(void);

/* An entry of the auxiliary vector (AT_...); 0 if there is none. */
unsigned long startup_auxiliary(unsigned long type);

#endif
