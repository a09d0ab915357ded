# SPDX-License-Identifier: GPL-2.0-or-later
check memory_walk memory_walk 256
