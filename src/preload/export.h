/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names under which libexclave.so stands in front of libc (libexclave.map lists them
 * once more for the linker). The functions have names of their own, so that no declaration
 * of libc, 64-bit redirection or fortified wrapper gets in their way.
 */
#ifndef EXCLAVE_PRELOAD_EXPORT_H
#define EXCLAVE_PRELOAD_EXPORT_H

#define EXPORT(function, name)                                     \
	extern __typeof__(function) exported_##name __asm__(#name) \
		__attribute__((alias(#function), visibility("default")))

/* For functions that are reached through their exported names only. */
#define DOOR __attribute__((used)) static

#endif
