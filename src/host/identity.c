// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/identity.h"

#include "host/state.h"
#include "lib/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A platform at its first microcode: any value but 0, so that older CPUSVNs exist. */
static const uint8_t first_cpusvn[SGX_CPUSVN_SIZE] = {1, 1, 1, 1};

/* Where a message about the file goes. */
struct report {
	const char *path;
	char *error;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct report *report, int err,
							const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (report->size)
		snprintf(report->error, report->size, "platform identity %s: %s", report->path,
			 text);
	return -err;
}

/* Return: bytes read until the end of the file or @size, or a negative errno. */
static ssize_t read_all(int fd, uint8_t *p, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, p + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Is the open file a secret of this user alone? */
static int check_file(const struct report *report, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return refuse(report, errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(report, EINVAL,
			      "is not a regular file; move it away to get a new identity");
	if (st.st_uid != geteuid())
		return refuse(report, EPERM,
			      "belongs to user %u, not to user %u; use a state folder of your own "
			      "(XDG_STATE_HOME)",
			      (unsigned int)st.st_uid, (unsigned int)geteuid());
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return refuse(report, EPERM,
			      "others have access to its keys (mode %04o); chmod 600 it if nobody "
			      "used that, else remove it to get a new identity",
			      (unsigned int)st.st_mode & 07777);
	return 0;
}

static int read_file(const struct report *report, int fd, struct sgx_identity *identity)
{
	/* One byte more than a file has, to see that it ends there. */
	uint8_t bytes[IDENTITY_FILE_SIZE + 1];
	ssize_t len = read_all(fd, bytes, sizeof(bytes));
	int ret;

	if (len < 0) {
		ret = refuse(report, (int)-len, "cannot be read: %s", strerror((int)-len));
		goto out_wipe;
	}
	ret = identity_decode(bytes, (size_t)len, identity);
	if (ret == -ENOTSUP)
		refuse(report, ENOTSUP,
		       "has a version that this program does not know (it knows %d); use the "
		       "program that made it, or move it away to get a new identity",
		       IDENTITY_FILE_VERSION);
	else if (ret)
		refuse(report, EBADMSG,
		       "is truncated or damaged; restore it from a backup, or remove it to get a "
		       "new identity (what was sealed under this one stays sealed)");

out_wipe:
	crypto_wipe(bytes, sizeof(bytes));
	return ret;
}

/* Return: as identity_load(), and -ENOENT when there is no file. */
static int load_existing(const struct report *report, struct sgx_identity *identity)
{
	/* NONBLOCK: a FIFO in its place must not keep us waiting. */
	int fd = open(report->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int ret;

	if (fd < 0 && errno == ELOOP)
		return refuse(report, ELOOP,
			      "is a symbolic link, or one of its folders links to itself; put the "
			      "file itself there");
	if (fd < 0)
		return refuse(report, errno, "cannot be opened: %s; its owner needs access to it",
			      strerror(errno));
	ret = check_file(report, fd);
	if (!ret)
		ret = read_file(report, fd, identity);
	close(fd);
	return ret;
}

static int make_file(const struct report *report)
{
	uint8_t bytes[IDENTITY_FILE_SIZE];
	struct sgx_identity identity;
	int ret;

	if (!crypto_random(&identity, sizeof(identity)))
		return refuse(report, EIO, "the host gives no random numbers to make it");
	memcpy(identity.cpusvn, first_cpusvn, sizeof(first_cpusvn));
	identity_encode(&identity, bytes);
	crypto_wipe(&identity, sizeof(identity));

	ret = state_create(report->path, bytes, sizeof(bytes));
	if (ret)
		refuse(report, -ret,
		       "cannot be made: %s; name a folder on a local file system where you may "
		       "write with XDG_STATE_HOME",
		       strerror(-ret));
	crypto_wipe(bytes, sizeof(bytes));
	return ret;
}

int identity_load(const char *path, struct sgx_identity *identity, char *error, size_t error_size)
{
	struct report report = {.path = path, .error = error, .size = error_size};
	char own_path[PATH_MAX];
	int ret;

	memset(identity, 0, sizeof(*identity));
	if (!path) {
		report.path = "(no file)";
		ret = state_path("identity", own_path, sizeof(own_path));
		if (ret)
			return refuse(&report, -ret,
				      "%s; set XDG_STATE_HOME to an absolute path of your own",
				      ret == -EINVAL ? "no home folder" : strerror(-ret));
		report.path = own_path;
	}
	if (!report.path[0] || strlen(report.path) >= PATH_MAX) {
		report.path = "(no file)";
		return refuse(&report, EINVAL, "its path is empty or too long; name another one");
	}

	ret = load_existing(&report, identity);
	if (ret == -ENOENT) {
		ret = make_file(&report);
		/* From the file in any case: another process may have been faster. */
		if (!ret)
			ret = load_existing(&report, identity);
	}
	if (!ret && error_size)
		error[0] = '\0';
	return ret;
}
