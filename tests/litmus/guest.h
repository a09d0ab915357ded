/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's functions begin and end with. */
#ifndef EXCLAVE_LITMUS_GUEST_H
#define EXCLAVE_LITMUS_GUEST_H

#define GUEST_PORT_RETURN     0xf4
#define GUEST_PORT_UNEXPECTED 0xf5

/* Where a function returns to: tells the VMM. */
void guest_return(void);
/* Where an interrupt leads that no test has asked for. */
void guest_unexpected(void);

#endif
