/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state folder of the program's own, so that no test touches the user's. */
#ifndef EXCLAVE_TESTS_UNIT_STATE_FOLDER_H
#define EXCLAVE_TESTS_UNIT_STATE_FOLDER_H

/* Sets XDG_STATE_HOME to a new folder, which goes when the process exits. */
void state_folder_use(void);

#endif
