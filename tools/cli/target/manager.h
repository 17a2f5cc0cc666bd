/* Version managers put shims into PATH, which look for the program of the chosen version and then
 * execute it. Those of pyenv, rbenv, nodenv and asdf are scripts, and do it by dozens of processes;
 * those of mise, volta and rustup are links to one program, which may be a static one.
 */
#ifndef TARGET_MANAGER_H
#define TARGET_MANAGER_H

/* The program that the shim at `path` would execute now, in a new string; NULL when it is no shim,
 * or its manager does not tell. *name is what the manager is called, which lives on. */
char *manager_follow(const char *path, const char **name);

#endif
