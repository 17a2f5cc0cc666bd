/* Version managers (pyenv, rbenv, nodenv, asdf ...) put shims into PATH: scripts that look for the
 * program of the chosen version, by dozens of processes, and then execute it.
 */
#ifndef TARGET_MANAGER_H
#define TARGET_MANAGER_H

/* The program that the shim at `path` would execute now, in a new string; NULL when it is no shim,
 * or its manager does not tell. *name is what the manager is called, which lives on. */
char *manager_follow(const char *path, const char **name);

#endif
