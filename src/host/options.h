/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a user may choose, once: the library reads these variables of the environment, and
 * exclave(1) makes of the same rows its options, the keys of its configuration files, its help,
 * its manual page and the completion of the shell. A new row is all that a new option needs there,
 * beside a check of its value (tools/settings.c).
 *
 * An argument in small letters is a list of words of which one is to be chosen, the first is the
 * default; one in capitals names a kind of value.
 */
#ifndef EXCLAVE_HOST_OPTIONS_H
#define EXCLAVE_HOST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Identifier, name, variable, argument, what it does in one line, more for the manual page. */
#define OPTIONS(X)                                                                                     \
	X(ENGINE, "engine", "EXCLAVE_ENGINE", "auto|soft|hardware", "who runs the guests",             \
	  "With hardware, the machine's own KVM and SGX; with soft, the library; with auto, the "      \
	  "hardware where both /dev/kvm and /dev/sgx_vepc work, else the library.")                    \
	X(EPC, "epc-pool", "EXCLAVE_EPC", "SIZE",                                                      \
	  "how much EPC the host has; or a list of NODE:SIZE",                                         \
	  "A size has a suffix K, M, G or T and is node 0's; a list, as 0:64M,1:1G, gives each "       \
	  "NUMA node its own. Memory is taken for pages in use only. The default is 128G.")            \
	X(LAUNCH_CONTROL, "launch-control", "EXCLAVE_LAUNCH_CONTROL", "flexible|locked",               \
	  "whether guests may choose who signs launch enclaves",                                       \
	  "With locked, CPUID has no SGX_LC and the launch signer is Intel's.")                        \
	X(SGX_DRIVER, "sgx-driver", "EXCLAVE_SGX_DRIVER", "on|off",                                    \
	  "whether the host's own SGX driver has started",                                             \
	  "Virtual EPC does not depend on it, as in Linux.")                                           \
	X(CPUID_FAULTING, "cpuid-faulting", "EXCLAVE_CPUID_FAULTING", "on|off",                        \
	  "whether a VMM that looks for SGX in CPUID sees it",                                         \
	  "Between opening /dev/sgx_vepc and mapping or closing it, as QEMU's query-sgx-capabilities " \
	  "does, where the machine has CPUID faulting.")                                               \
	X(IDENTITY, "identity", "EXCLAVE_IDENTITY", "FILE", "the keys of the platform",                \
	  "Made at first use, with mode 0600; enclaves can unseal what they sealed as long as "        \
	  "it is kept. The default is exclave/identity in the user's state folder.")                   \
	X(PROVISION, "provision", "EXCLAVE_PROVISION", "FILE",                                         \
	  "who may open it may use the provisioning key; or none",                                     \
	  "Stands for /dev/sgx_provision: a VMM that cannot open it gives its guests no "              \
	  "provisioning key. With none nobody can. The default is exclave/provision in the "           \
	  "user's state folder.")                                                                      \
	X(CPU_FEATURES, "cpu-features", "EXCLAVE_CPU_FEATURES", "LIST",                                \
	  "what guests are not offered, as -avx2,-sha_ni",                                             \
	  "Each feature, by the name that it has in /proc/cpuinfo, with a minus sign before it. "      \
	  "What depends on it goes too.")                                                              \
	X(CODE_CACHE, "code-cache", "EXCLAVE_CODE_CACHE", "SIZE",                                      \
	  "memory for each VM's translated code",                                                      \
	  "From 1M to 1G, with a suffix K, M or G. The default is 64M.")                               \
	X(LOG, "log", "EXCLAVE_LOG", "0|1", "say less (0) or more (1) on standard error",              \
	  "With 1, a line for each device that is opened, beside the warnings.")

enum option {
#define OPTION_ENUM(id, name, variable, argument, summary, more) OPTION_##id,
	OPTIONS(OPTION_ENUM)
#undef OPTION_ENUM
	OPTION_COUNT,
};

struct option_row {
	const char *name;
	const char *variable;
	const char *argument;
	const char *summary;
	const char *more;
};

extern const struct option_row option_rows[OPTION_COUNT];

/* The variable's value, or NULL when it is unset or empty, or the program has other rights than its caller. */
const char *option_get(enum option option);

/* Is the argument a list of words? */
bool option_has_words(const struct option_row *row);
/* Return: which of the row's words @text is, or -1. */
int option_word(const struct option_row *row, const char *text);

/* The word that @text (NULL: none) chooses; one that there is not is named on standard error, and is the first. */
unsigned int option_choose(enum option option, const char *text);

#endif
