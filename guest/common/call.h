/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loader and enclave of the demonstration say to each other. A call is one struct in the
 * loader's memory, whose address is in RDI at EENTER; the enclave copies it in, works on its copy,
 * and copies it out. Nothing in it is a secret.
 */
#ifndef EXCLAVE_GUEST_CALL_H
#define EXCLAVE_GUEST_CALL_H

#include "sgx/arch.h"

enum call {
	CALL_NOTHING,
	CALL_REPORT,
	CALL_VERIFY,
	CALL_SEAL,
	CALL_UNSEAL,
	CALL_PROVISION,
	CALL_ACCEPT,
	CALL_EXTEND,
	CALL_FILL,
	CALL_SUM,
	CALL_STORE,
	CALL_MEET,
	CALL_STORM,
	CALL_GAPS,
	CALL_CHURN,
	CALL_AUDIT,
};

enum call_status {
	CALL_DONE,
	CALL_UNKNOWN,
	CALL_BAD_ADDRESS, /* the struct reaches into the enclave, or the pages out of it */
	CALL_LEAF_FAILED, /* `leaf_code` says how */
	CALL_REFUSED,     /* a MAC is not right */
};

#define SEALED_TEXT_SIZE 64

/* As it lies on the disk. The MAC is over all that is before it. */
struct sealed {
	char magic[8];
	uint8_t keyid[SGX_KEYID_SIZE];
	uint8_t cpusvn[SGX_CPUSVN_SIZE];
	uint16_t isv_svn;
	uint8_t reserved[6];
	uint8_t counter[16];
	uint8_t text[SEALED_TEXT_SIZE];
	uint8_t mac[SGX_MAC_SIZE];
};

struct call_report {
	struct sgx_targetinfo target;
	uint8_t data[SGX_REPORTDATA_SIZE];
	struct sgx_report report;
};

struct call_seal {
	uint8_t text[SEALED_TEXT_SIZE];
	struct sealed sealed;
};

struct call_key {
	uint8_t digest[SGX_MAC_SIZE]; /* of the key, which itself stays inside */
};

/* Pages of the enclave, by their offset from its base. */
struct call_pages {
	uint64_t offset;
	uint64_t count;
	uint64_t secinfo_flags;
	uint64_t value;
};

struct call_meet {
	uint64_t threads;
	uint64_t rounds;
	uint64_t most; /* threads inside at once */
	uint64_t total;
};

struct call_storm {
	uint64_t stop; /* address of the loader's uint32_t that ends it */
	uint64_t rounds;
	uint64_t checksum;
	uint64_t exits; /* that the enclave saw in its own SSA */
};

/* How long the thread was away, in cycles, each time that somebody has counted up meanwhile. */
#define GAPS_MAX 100
struct call_gaps {
	uint64_t counter; /* address of a uint32_t of the loader's */
	uint64_t cycles[GAPS_MAX];
};

/*
 * Pages as in struct call_pages, visited at random. What a page holds follows from its number and
 * its version, which is counted up by each visit that writes; new pages are of version 0.
 */
struct call_churn {
	uint64_t offset;
	uint64_t count;
	uint64_t seed;
	uint64_t visits; /* how many to make */
	uint64_t writes; /* how many of them wrote; of an audit: all versions together */
	uint64_t inside; /* most threads that were at it at once */
	/* Of CALL_REFUSED: what was wrong first. */
	uint64_t page;
	uint64_t word;
	uint64_t version;
	uint64_t found;
};

struct call_frame {
	uint64_t call;
	uint64_t status;
	uint64_t leaf_code;
	union {
		struct call_report report;
		struct call_seal seal;
		struct call_key key;
		struct call_pages pages;
		struct call_meet meet;
		struct call_storm storm;
		struct call_gaps gaps;
		struct call_churn churn;
	};
};

/* Inside and outside alike. RDTSC is legal in enclaves of processors with SGX2. */
static inline void gaps_collect(struct call_gaps *gaps)
{
	const volatile uint32_t *counter = (const volatile uint32_t *)gaps->counter;
	uint32_t seen = *counter;
	uint64_t before = __builtin_ia32_rdtsc();

	for (uint64_t i = 0; i < GAPS_MAX;) {
		uint64_t now = __builtin_ia32_rdtsc();

		if (*counter != seen) {
			seen = *counter;
			gaps->cycles[i++] = __builtin_ia32_rdtsc() - before;
			now = __builtin_ia32_rdtsc();
		}
		before = now;
	}
}

/* What the enclave computes in the storm, for the loader to compute again. */
static inline uint64_t storm_round(uint64_t sum, uint64_t round)
{
	sum ^= round * UINT64_C(0x9e3779b97f4a7c15);
	sum = (sum << 23) | (sum >> 41);
	return sum * UINT64_C(0xbf58476d1ce4e5b9) + 1;
}

#endif
