/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "SGX": the data structures, constants and leaf numbers of the
 * architecture, and proofs of their layout. Nothing here is ours to choose;
 * what the model keeps in implementation-defined space is in secs.h.
 */
#ifndef EXCLAVE_SGX_ARCH_H
#define EXCLAVE_SGX_ARCH_H

#include <stddef.h>
#include <stdint.h>

#define SGX_PAGE_SIZE     4096
#define SGX_PAGE_SHIFT    12
#define SGX_CHUNK_SIZE    256 /* what one EEXTEND measures */
#define SGX_HASH_SIZE     32
#define SGX_MAC_SIZE      16
#define SGX_KEY_SIZE      16
#define SGX_CPUSVN_SIZE   16
#define SGX_KEYID_SIZE    32
#define SGX_CONFIGID_SIZE 64
#define SGX_MODULUS_SIZE  384
#define SGX_PADDING_SIZE  352
#define SGX_INSN_LENGTH   3 /* of ENCLS, ENCLU and ENCLV */

/* SDM "ENCLS Leaf Functions". */
enum sgx_encls_leaf {
	ECREATE = 0x00,
	EADD = 0x01,
	EINIT = 0x02,
	EREMOVE = 0x03,
	EDBGRD = 0x04,
	EDBGWR = 0x05,
	EEXTEND = 0x06,
	ELDB = 0x07,
	ELDU = 0x08,
	EBLOCK = 0x09,
	EPA = 0x0A,
	EWB = 0x0B,
	ETRACK = 0x0C,
	EAUG = 0x0D,
	EMODPR = 0x0E,
	EMODT = 0x0F,
	ERDINFO = 0x10,
	ETRACKC = 0x11,
	ELDBC = 0x12,
	ELDUC = 0x13,
};

/* SDM "ENCLU Leaf Functions". */
enum sgx_enclu_leaf {
	EREPORT = 0x00,
	EGETKEY = 0x01,
	EENTER = 0x02,
	ERESUME = 0x03,
	EEXIT = 0x04,
	EACCEPT = 0x05,
	EMODPE = 0x06,
	EACCEPTCOPY = 0x07,
	EVERIFYREPORT2 = 0x08,
	EDECCSSA = 0x09,
};

/* SDM "ENCLV Leaf Functions". */
enum sgx_enclv_leaf {
	EDECVIRTCHILD = 0x00,
	EINCVIRTCHILD = 0x01,
	ESETCONTEXT = 0x02,
};

/* SDM "Error Codes": RAX after a leaf that completes with ZF or CF set. */
enum sgx_return_code {
	SGX_SUCCESS = 0,
	SGX_INVALID_SIG_STRUCT = 1,
	SGX_INVALID_ATTRIBUTE = 2,
	SGX_BLKSTATE = 3,
	SGX_INVALID_MEASUREMENT = 4,
	SGX_NOTBLOCKABLE = 5,
	SGX_PG_INVLD = 6,
	SGX_EPC_PAGE_CONFLICT = 7,
	SGX_INVALID_SIGNATURE = 8,
	SGX_MAC_COMPARE_FAIL = 9,
	SGX_PAGE_NOT_BLOCKED = 10,
	SGX_NOT_TRACKED = 11,
	SGX_VA_SLOT_OCCUPIED = 12,
	SGX_CHILD_PRESENT = 13,
	SGX_ENCLAVE_ACT = 14,
	SGX_ENTRYEPOCH_LOCKED = 15,
	SGX_INVALID_EINITTOKEN = 16,
	SGX_PREV_TRK_INCMPL = 17,
	SGX_PG_IS_SECS = 18,
	SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
	SGX_PAGE_NOT_MODIFIABLE = 20,
	SGX_PAGE_NOT_DEBUGGABLE = 21,
	SGX_INVALID_COUNTER = 25,
	SGX_PG_NONEPC = 26,
	SGX_TRACK_NOT_REQUIRED = 27,
	SGX_INVALID_CPUSVN = 32,
	SGX_INVALID_ISVSVN = 64,
	SGX_UNMASKED_EVENT = 128,
	SGX_INVALID_KEYNAME = 256,
};

/* SDM "SGX Resource Enumeration Leaves": CPUID leaf 12H, sub-leaf 0, EAX. */
#define SGX_CPUID_SGX1           (UINT32_C(1) << 0)
#define SGX_CPUID_SGX2           (UINT32_C(1) << 1)
#define SGX_CPUID_ENCLV          (UINT32_C(1) << 5)
#define SGX_CPUID_ENCLS_C        (UINT32_C(1) << 6)
#define SGX_CPUID_EVERIFYREPORT2 (UINT32_C(1) << 7)
#define SGX_CPUID_EUPDATESVN     (UINT32_C(1) << 10)
#define SGX_CPUID_EDECCSSA       (UINT32_C(1) << 11)

/* Sub-leaf n >= 2: EAX[3:0] type, ECX[3:0] property. */
#define SGX_CPUID_EPC_INVALID                0
#define SGX_CPUID_EPC_SECTION                1
#define SGX_CPUID_EPC_CONFIDENTIAL_INTEGRITY 1
#define SGX_CPUID_EPC_CONFIDENTIAL           2

/* SDM "IA32_FEATURE_CONTROL", "IA32_SGXLEPUBKEYHASHn" and the other SGX MSRs. */
#define MSR_IA32_FEAT_CTL          0x3A
#define MSR_SGX_ACTIVATION         0x7A
#define MSR_IA32_SGXLEPUBKEYHASH0  0x8C
#define MSR_IA32_SGXLEPUBKEYHASH1  0x8D
#define MSR_IA32_SGXLEPUBKEYHASH2  0x8E
#define MSR_IA32_SGXLEPUBKEYHASH3  0x8F
#define MSR_PRMRR_BASE             0x1F4
#define MSR_PRMRR_MASK             0x1F5
#define MSR_IA32_SGXOWNEREPOCH0    0x300
#define MSR_IA32_SGXOWNEREPOCH1    0x301
#define MSR_IA32_SGX_SVN_STATUS    0x500
#define FEAT_CTL_LOCKED            (UINT64_C(1) << 0)
#define FEAT_CTL_SGX_LC_ENABLED    (UINT64_C(1) << 17)
#define FEAT_CTL_SGX_ENABLED       (UINT64_C(1) << 18)
#define SGX_SVN_STATUS_LOCK        (UINT64_C(1) << 0)
#define SGX_SVN_STATUS_SINIT_SHIFT 16

/* The reset value of IA32_SGXLEPUBKEYHASH0..3: Intel's launch signer. */
#define SGX_INTEL_LEPUBKEYHASH0 UINT64_C(0xa6053e051270b7ac)
#define SGX_INTEL_LEPUBKEYHASH1 UINT64_C(0x6cfbe8ba8b3b413d)
#define SGX_INTEL_LEPUBKEYHASH2 UINT64_C(0xc4916d99f2b3735d)
#define SGX_INTEL_LEPUBKEYHASH3 UINT64_C(0xd4f8c05909f9bb3b)

/* SDM "ATTRIBUTES Structure", first 64 bits. */
#define SGX_ATTR_INIT          (UINT64_C(1) << 0)
#define SGX_ATTR_DEBUG         (UINT64_C(1) << 1)
#define SGX_ATTR_MODE64BIT     (UINT64_C(1) << 2)
#define SGX_ATTR_PROVISIONKEY  (UINT64_C(1) << 4)
#define SGX_ATTR_EINITTOKENKEY (UINT64_C(1) << 5)
#define SGX_ATTR_CET           (UINT64_C(1) << 6)
#define SGX_ATTR_KSS           (UINT64_C(1) << 7)
#define SGX_ATTR_AEXNOTIFY     (UINT64_C(1) << 10)

/* SDM "MISCSELECT Field". */
#define SGX_MISC_EXINFO (UINT32_C(1) << 0)
#define SGX_MISC_CPINFO (UINT32_C(1) << 1)

/* SDM "EPCM": page types, as in SECINFO.FLAGS[15:8]. */
enum sgx_page_type {
	SGX_PAGE_TYPE_SECS = 0,
	SGX_PAGE_TYPE_TCS = 1,
	SGX_PAGE_TYPE_REG = 2,
	SGX_PAGE_TYPE_VA = 3,
	SGX_PAGE_TYPE_TRIM = 4,
	SGX_PAGE_TYPE_SS_FIRST = 5,
	SGX_PAGE_TYPE_SS_REST = 6,
};

/* SDM "SECINFO.FLAGS Bit Definition". */
#define SGX_SECINFO_R        (UINT64_C(1) << 0)
#define SGX_SECINFO_W        (UINT64_C(1) << 1)
#define SGX_SECINFO_X        (UINT64_C(1) << 2)
#define SGX_SECINFO_PENDING  (UINT64_C(1) << 3)
#define SGX_SECINFO_MODIFIED (UINT64_C(1) << 4)
#define SGX_SECINFO_PR       (UINT64_C(1) << 5)
#define SGX_SECINFO_RWX      UINT64_C(0x7)
#define SGX_SECINFO_STATE    UINT64_C(0x38)
#define SGX_SECINFO_PT_SHIFT 8
#define SGX_SECINFO_PT_MASK  UINT64_C(0xff00)
#define SGX_SECINFO_RESERVED (~UINT64_C(0xff3f))
#define SGX_SECINFO_SS_FIRST (UINT64_C(5) << 8)
#define SGX_SECINFO_SS_REST  (UINT64_C(6) << 8)

struct sgx_secinfo {
	uint64_t flags;
	uint8_t reserved[56];
};
_Static_assert(sizeof(struct sgx_secinfo) == 64, "SECINFO");

/* Operand of ECREATE, EADD, EAUG, ELDx and EWB; 32-byte aligned. */
struct sgx_pageinfo {
	uint64_t linaddr;
	uint64_t srcpge;
	uint64_t secinfo; /* PCMD for ELDx and EWB */
	uint64_t secs;
};
_Static_assert(sizeof(struct sgx_pageinfo) == 32, "PAGEINFO");
_Static_assert(offsetof(struct sgx_pageinfo, srcpge) == 8, "PAGEINFO.SRCPGE");
_Static_assert(offsetof(struct sgx_pageinfo, secinfo) == 16, "PAGEINFO.SECINFO");
_Static_assert(offsetof(struct sgx_pageinfo, secs) == 24, "PAGEINFO.SECS");

/* SDM "SGX Enclave Control Structure (SECS)", what software writes and sees. */
struct sgx_secs {
	uint64_t size;
	uint64_t base;
	uint32_t ssa_frame_size;
	uint32_t miscselect;
	uint64_t cet_leg_bitmap_offset;
	uint8_t cet_attributes;
	uint8_t reserved1[15];
	uint64_t attributes;
	uint64_t xfrm;
	uint8_t mrenclave[SGX_HASH_SIZE];
	uint8_t reserved2[32];
	uint8_t mrsigner[SGX_HASH_SIZE];
	uint8_t reserved3[32];
	uint8_t config_id[SGX_CONFIGID_SIZE];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint16_t config_svn;
	uint8_t reserved4[3834];
};
_Static_assert(sizeof(struct sgx_secs) == SGX_PAGE_SIZE, "SECS");
_Static_assert(offsetof(struct sgx_secs, base) == 8, "SECS.BASEADDR");
_Static_assert(offsetof(struct sgx_secs, ssa_frame_size) == 16, "SECS.SSAFRAMESIZE");
_Static_assert(offsetof(struct sgx_secs, miscselect) == 20, "SECS.MISCSELECT");
_Static_assert(offsetof(struct sgx_secs, cet_leg_bitmap_offset) == 24, "SECS.CET_LEG");
_Static_assert(offsetof(struct sgx_secs, cet_attributes) == 32, "SECS.CET_ATTRIBUTES");
_Static_assert(offsetof(struct sgx_secs, attributes) == 48, "SECS.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_secs, xfrm) == 56, "SECS.XFRM");
_Static_assert(offsetof(struct sgx_secs, mrenclave) == 64, "SECS.MRENCLAVE");
_Static_assert(offsetof(struct sgx_secs, mrsigner) == 128, "SECS.MRSIGNER");
_Static_assert(offsetof(struct sgx_secs, config_id) == 192, "SECS.CONFIGID");
_Static_assert(offsetof(struct sgx_secs, isv_prod_id) == 256, "SECS.ISVPRODID");
_Static_assert(offsetof(struct sgx_secs, isv_svn) == 258, "SECS.ISVSVN");
_Static_assert(offsetof(struct sgx_secs, config_svn) == 260, "SECS.CONFIGSVN");
_Static_assert(offsetof(struct sgx_secs, reserved4) == 262, "SECS.RESERVED");

/* SDM "Thread Control Structure (TCS)". */
#define SGX_TCS_DBGOPTIN         (UINT64_C(1) << 0)
#define SGX_TCS_AEXNOTIFY        (UINT64_C(1) << 1)
#define SGX_TCS_INACTIVE         UINT64_C(0)
#define SGX_TCS_ACTIVE           UINT64_C(1)
#define SGX_TCS_LIMIT            72              /* bytes that EDBGRD may read without CET */
#define SGX_TCS_32BIT_LIMIT_MASK UINT32_C(0xfff) /* low bits of FSLIMIT, GSLIMIT that must be 1 */

/* SDM "EENTER": the selector of FS and GS inside. */
#define SGX_SEGMENT_SELECTOR 0x0B

struct sgx_tcs {
	uint64_t state;
	uint64_t flags;
	uint64_t ossa;
	uint32_t cssa;
	uint32_t nssa;
	uint64_t oentry;
	uint64_t aep;
	uint64_t ofs_base;
	uint64_t ogs_base;
	uint32_t fs_limit;
	uint32_t gs_limit;
	uint64_t ocetssa;
	uint64_t prevssp;
	uint8_t reserved[4008];
};
_Static_assert(sizeof(struct sgx_tcs) == SGX_PAGE_SIZE, "TCS");
_Static_assert(offsetof(struct sgx_tcs, flags) == 8, "TCS.FLAGS");
_Static_assert(offsetof(struct sgx_tcs, ossa) == 16, "TCS.OSSA");
_Static_assert(offsetof(struct sgx_tcs, cssa) == 24, "TCS.CSSA");
_Static_assert(offsetof(struct sgx_tcs, nssa) == 28, "TCS.NSSA");
_Static_assert(offsetof(struct sgx_tcs, oentry) == 32, "TCS.OENTRY");
_Static_assert(offsetof(struct sgx_tcs, aep) == 40, "TCS.AEP");
_Static_assert(offsetof(struct sgx_tcs, ofs_base) == 48, "TCS.OFSBASE");
_Static_assert(offsetof(struct sgx_tcs, ogs_base) == 56, "TCS.OGSBASE");
_Static_assert(offsetof(struct sgx_tcs, fs_limit) == 64, "TCS.FSLIMIT");
_Static_assert(offsetof(struct sgx_tcs, gs_limit) == 68, "TCS.GSLIMIT");
_Static_assert(offsetof(struct sgx_tcs, ocetssa) == 72, "TCS.OCETSSA");
_Static_assert(offsetof(struct sgx_tcs, prevssp) == 80, "TCS.PREVSSP");

/* SDM "GPRSGX Region", the last bytes of an SSA frame. */
struct sgx_gprsgx {
	uint64_t gpr[16]; /* RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8..R15 */
	uint64_t rflags;
	uint64_t rip;
	uint64_t ursp;
	uint64_t urbp;
	uint32_t exitinfo;
	uint8_t reserved[3];
	uint8_t aexnotify;
	uint64_t fs_base;
	uint64_t gs_base;
};
_Static_assert(sizeof(struct sgx_gprsgx) == 184, "GPRSGX");
_Static_assert(offsetof(struct sgx_gprsgx, rflags) == 128, "GPRSGX.RFLAGS");
_Static_assert(offsetof(struct sgx_gprsgx, rip) == 136, "GPRSGX.RIP");
_Static_assert(offsetof(struct sgx_gprsgx, ursp) == 144, "GPRSGX.URSP");
_Static_assert(offsetof(struct sgx_gprsgx, urbp) == 152, "GPRSGX.URBP");
_Static_assert(offsetof(struct sgx_gprsgx, exitinfo) == 160, "GPRSGX.EXITINFO");
_Static_assert(offsetof(struct sgx_gprsgx, aexnotify) == 167, "GPRSGX.AEXNOTIFY");
_Static_assert(offsetof(struct sgx_gprsgx, fs_base) == 168, "GPRSGX.FSBASE");
_Static_assert(offsetof(struct sgx_gprsgx, gs_base) == 176, "GPRSGX.GSBASE");

/* SDM "EXITINFO". */
#define SGX_EXITINFO_VALID         (UINT32_C(1) << 31)
#define SGX_EXITINFO_TYPE_SHIFT    8
#define SGX_EXITINFO_TYPE_HARDWARE UINT32_C(3)
#define SGX_EXITINFO_TYPE_SOFTWARE UINT32_C(6)
#define SGX_GPRSGX_AEXNOTIFY       UINT8_C(1)

/* SDM "EXINFO Structure", directly below GPRSGX when MISCSELECT.EXINFO is set. */
struct sgx_exinfo {
	uint64_t maddr;
	uint32_t errcd;
	uint32_t reserved;
};
_Static_assert(sizeof(struct sgx_exinfo) == 16, "EXINFO");
_Static_assert(offsetof(struct sgx_exinfo, errcd) == 8, "EXINFO.ERRCD");

/* SDM "Paging Crypto MetaData (PCMD)". */
struct sgx_pcmd {
	struct sgx_secinfo secinfo;
	uint64_t enclave_id;
	uint8_t reserved[40];
	uint8_t mac[SGX_MAC_SIZE];
};
_Static_assert(sizeof(struct sgx_pcmd) == 128, "PCMD");
_Static_assert(offsetof(struct sgx_pcmd, enclave_id) == 64, "PCMD.ENCLAVEID");
_Static_assert(offsetof(struct sgx_pcmd, mac) == 112, "PCMD.MAC");

/* The associated data of a page's MAC. */
struct sgx_mac_header {
	uint64_t eid;
	uint64_t linaddr;
	struct sgx_secinfo secinfo;
	uint8_t reserved[48];
};
_Static_assert(sizeof(struct sgx_mac_header) == 128, "MAC_HDR");
_Static_assert(offsetof(struct sgx_mac_header, secinfo) == 16, "MAC_HDR.SECINFO");

/* SDM "Version Array (VA)". */
#define SGX_VA_SLOT_COUNT 512

struct sgx_va_page {
	uint64_t slot[SGX_VA_SLOT_COUNT];
};
_Static_assert(sizeof(struct sgx_va_page) == SGX_PAGE_SIZE, "VA page");

/* SDM "Enclave Signature Structure (SIGSTRUCT)". */
#define SGX_SIGSTRUCT_HEADER                                            \
	{                                                               \
		0x06, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0 \
	}
#define SGX_SIGSTRUCT_HEADER2                                                 \
	{                                                                     \
		0x01, 0x01, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 0x01, 0, 0, 0 \
	}
#define SGX_SIGSTRUCT_VENDOR_INTEL UINT32_C(0x8086)
#define SGX_SIGSTRUCT_EXPONENT     3
#define SGX_SIGSTRUCT_SIGNED1      128 /* bytes 0..127 are signed */
#define SGX_SIGSTRUCT_SIGNED2      900 /* and bytes 900..1027 */

struct sgx_sigstruct {
	uint8_t header[16];
	uint32_t vendor;
	uint32_t date;
	uint8_t header2[16];
	uint32_t swdefined;
	uint8_t reserved1[84];
	uint8_t modulus[SGX_MODULUS_SIZE];
	uint32_t exponent;
	uint8_t signature[SGX_MODULUS_SIZE];
	uint32_t miscselect;
	uint32_t miscmask;
	uint8_t cet_attributes;
	uint8_t cet_attributes_mask;
	uint8_t reserved2[2];
	uint8_t isv_family_id[16];
	uint64_t attributes;
	uint64_t xfrm;
	uint64_t attributes_mask;
	uint64_t xfrm_mask;
	uint8_t enclave_hash[SGX_HASH_SIZE];
	uint8_t reserved3[16];
	uint8_t isv_ext_prod_id[16];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint8_t reserved4[12];
	uint8_t q1[SGX_MODULUS_SIZE];
	uint8_t q2[SGX_MODULUS_SIZE];
};
_Static_assert(sizeof(struct sgx_sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct sgx_sigstruct, vendor) == 16, "SIGSTRUCT.VENDOR");
_Static_assert(offsetof(struct sgx_sigstruct, header2) == 24, "SIGSTRUCT.HEADER2");
_Static_assert(offsetof(struct sgx_sigstruct, swdefined) == 40, "SIGSTRUCT.SWDEFINED");
_Static_assert(offsetof(struct sgx_sigstruct, modulus) == 128, "SIGSTRUCT.MODULUS");
_Static_assert(offsetof(struct sgx_sigstruct, exponent) == 512, "SIGSTRUCT.EXPONENT");
_Static_assert(offsetof(struct sgx_sigstruct, signature) == 516, "SIGSTRUCT.SIGNATURE");
_Static_assert(offsetof(struct sgx_sigstruct, miscselect) == 900, "SIGSTRUCT.MISCSELECT");
_Static_assert(offsetof(struct sgx_sigstruct, miscmask) == 904, "SIGSTRUCT.MISCMASK");
_Static_assert(offsetof(struct sgx_sigstruct, cet_attributes) == 908, "SIGSTRUCT.CET");
_Static_assert(offsetof(struct sgx_sigstruct, isv_family_id) == 912, "SIGSTRUCT.ISVFAMILYID");
_Static_assert(offsetof(struct sgx_sigstruct, attributes) == 928, "SIGSTRUCT.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_sigstruct, xfrm) == 936, "SIGSTRUCT.XFRM");
_Static_assert(offsetof(struct sgx_sigstruct, attributes_mask) == 944, "SIGSTRUCT.ATTRIBUTEMASK");
_Static_assert(offsetof(struct sgx_sigstruct, enclave_hash) == 960, "SIGSTRUCT.ENCLAVEHASH");
_Static_assert(offsetof(struct sgx_sigstruct, isv_ext_prod_id) == 1008, "SIGSTRUCT.ISVEXTPRODID");
_Static_assert(offsetof(struct sgx_sigstruct, isv_prod_id) == 1024, "SIGSTRUCT.ISVPRODID");
_Static_assert(offsetof(struct sgx_sigstruct, isv_svn) == 1026, "SIGSTRUCT.ISVSVN");
_Static_assert(offsetof(struct sgx_sigstruct, q1) == 1040, "SIGSTRUCT.Q1");
_Static_assert(offsetof(struct sgx_sigstruct, q2) == 1424, "SIGSTRUCT.Q2");

/* SDM "EINIT Token Structure (EINITTOKEN)". */
#define SGX_EINITTOKEN_VALID UINT32_C(1)
#define SGX_EINITTOKEN_MACED 192 /* bytes 0..191 are MACed */

struct sgx_einittoken {
	uint32_t valid;
	uint8_t reserved1[44];
	uint64_t attributes;
	uint64_t xfrm;
	uint8_t mrenclave[SGX_HASH_SIZE];
	uint8_t reserved2[32];
	uint8_t mrsigner[SGX_HASH_SIZE];
	uint8_t reserved3[32];
	uint8_t cpusvn_le[SGX_CPUSVN_SIZE];
	uint16_t isv_prod_id_le;
	uint16_t isv_svn_le;
	uint8_t cet_masked_attributes_le;
	uint8_t reserved4[23];
	uint32_t masked_miscselect_le;
	uint64_t masked_attributes_le;
	uint64_t masked_xfrm_le;
	uint8_t keyid[SGX_KEYID_SIZE];
	uint8_t mac[SGX_MAC_SIZE];
};
_Static_assert(sizeof(struct sgx_einittoken) == 304, "EINITTOKEN");
_Static_assert(offsetof(struct sgx_einittoken, attributes) == 48, "EINITTOKEN.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_einittoken, mrenclave) == 64, "EINITTOKEN.MRENCLAVE");
_Static_assert(offsetof(struct sgx_einittoken, mrsigner) == 128, "EINITTOKEN.MRSIGNER");
_Static_assert(offsetof(struct sgx_einittoken, cpusvn_le) == 192, "EINITTOKEN.CPUSVNLE");
_Static_assert(offsetof(struct sgx_einittoken, isv_prod_id_le) == 208, "EINITTOKEN.ISVPRODIDLE");
_Static_assert(offsetof(struct sgx_einittoken, isv_svn_le) == 210, "EINITTOKEN.ISVSVNLE");
_Static_assert(offsetof(struct sgx_einittoken, cet_masked_attributes_le) == 212, "EINITTOKEN.CET");
_Static_assert(offsetof(struct sgx_einittoken, masked_miscselect_le) == 236, "EINITTOKEN.MISC");
_Static_assert(offsetof(struct sgx_einittoken, masked_attributes_le) == 240, "EINITTOKEN.ATTRLE");
_Static_assert(offsetof(struct sgx_einittoken, keyid) == 256, "EINITTOKEN.KEYID");
_Static_assert(offsetof(struct sgx_einittoken, mac) == 288, "EINITTOKEN.MAC");

/* SDM "REPORT". */
#define SGX_REPORTDATA_SIZE 64
#define SGX_REPORT_MACED    384

struct sgx_report {
	uint8_t cpusvn[SGX_CPUSVN_SIZE];
	uint32_t miscselect;
	uint8_t cet_attributes;
	uint8_t reserved1[11];
	uint8_t isv_ext_prod_id[16];
	uint64_t attributes;
	uint64_t xfrm;
	uint8_t mrenclave[SGX_HASH_SIZE];
	uint8_t reserved2[32];
	uint8_t mrsigner[SGX_HASH_SIZE];
	uint8_t reserved3[32];
	uint8_t config_id[SGX_CONFIGID_SIZE];
	uint16_t isv_prod_id;
	uint16_t isv_svn;
	uint16_t config_svn;
	uint8_t reserved4[42];
	uint8_t isv_family_id[16];
	uint8_t reportdata[SGX_REPORTDATA_SIZE];
	uint8_t keyid[SGX_KEYID_SIZE];
	uint8_t mac[SGX_MAC_SIZE];
};
_Static_assert(sizeof(struct sgx_report) == 432, "REPORT");
_Static_assert(offsetof(struct sgx_report, miscselect) == 16, "REPORT.MISCSELECT");
_Static_assert(offsetof(struct sgx_report, cet_attributes) == 20, "REPORT.CET_ATTRIBUTES");
_Static_assert(offsetof(struct sgx_report, isv_ext_prod_id) == 32, "REPORT.ISVEXTPRODID");
_Static_assert(offsetof(struct sgx_report, attributes) == 48, "REPORT.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_report, mrenclave) == 64, "REPORT.MRENCLAVE");
_Static_assert(offsetof(struct sgx_report, mrsigner) == 128, "REPORT.MRSIGNER");
_Static_assert(offsetof(struct sgx_report, config_id) == 192, "REPORT.CONFIGID");
_Static_assert(offsetof(struct sgx_report, isv_prod_id) == 256, "REPORT.ISVPRODID");
_Static_assert(offsetof(struct sgx_report, isv_svn) == 258, "REPORT.ISVSVN");
_Static_assert(offsetof(struct sgx_report, config_svn) == 260, "REPORT.CONFIGSVN");
_Static_assert(offsetof(struct sgx_report, isv_family_id) == 304, "REPORT.ISVFAMILYID");
_Static_assert(offsetof(struct sgx_report, reportdata) == 320, "REPORT.REPORTDATA");
_Static_assert(offsetof(struct sgx_report, keyid) == SGX_REPORT_MACED, "REPORT.KEYID");
_Static_assert(offsetof(struct sgx_report, mac) == 416, "REPORT.MAC");

/* SDM "TARGETINFO". */
struct sgx_targetinfo {
	uint8_t measurement[SGX_HASH_SIZE];
	uint64_t attributes;
	uint64_t xfrm;
	uint8_t cet_attributes;
	uint8_t reserved1;
	uint16_t config_svn;
	uint32_t miscselect;
	uint8_t reserved2[8];
	uint8_t config_id[SGX_CONFIGID_SIZE];
	uint8_t reserved3[384];
};
_Static_assert(sizeof(struct sgx_targetinfo) == 512, "TARGETINFO");
_Static_assert(offsetof(struct sgx_targetinfo, attributes) == 32, "TARGETINFO.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_targetinfo, cet_attributes) == 48, "TARGETINFO.CET");
_Static_assert(offsetof(struct sgx_targetinfo, config_svn) == 50, "TARGETINFO.CONFIGSVN");
_Static_assert(offsetof(struct sgx_targetinfo, miscselect) == 52, "TARGETINFO.MISCSELECT");
_Static_assert(offsetof(struct sgx_targetinfo, config_id) == 64, "TARGETINFO.CONFIGID");

/* SDM "KEYREQUEST". */
enum sgx_key_name {
	SGX_KEYNAME_EINITTOKEN = 0,
	SGX_KEYNAME_PROVISION = 1,
	SGX_KEYNAME_PROVISION_SEAL = 2,
	SGX_KEYNAME_REPORT = 3,
	SGX_KEYNAME_SEAL = 4,
};

#define SGX_KEYPOLICY_MRENCLAVE    (UINT16_C(1) << 0)
#define SGX_KEYPOLICY_MRSIGNER     (UINT16_C(1) << 1)
#define SGX_KEYPOLICY_NOISVPRODID  (UINT16_C(1) << 2)
#define SGX_KEYPOLICY_CONFIGID     (UINT16_C(1) << 3)
#define SGX_KEYPOLICY_ISVFAMILYID  (UINT16_C(1) << 4)
#define SGX_KEYPOLICY_ISVEXTPRODID (UINT16_C(1) << 5)
#define SGX_KEYPOLICY_KSS          UINT16_C(0x3c)
#define SGX_KEYPOLICY_RESERVED     UINT16_C(0xffc0)

struct sgx_keyrequest {
	uint16_t keyname;
	uint16_t keypolicy;
	uint16_t isv_svn;
	uint8_t cet_attributes_mask;
	uint8_t reserved1;
	uint8_t cpusvn[SGX_CPUSVN_SIZE];
	uint64_t attributes_mask;
	uint64_t xfrm_mask;
	uint8_t keyid[SGX_KEYID_SIZE];
	uint32_t miscmask;
	uint16_t config_svn;
	uint8_t reserved2[434];
};
_Static_assert(sizeof(struct sgx_keyrequest) == 512, "KEYREQUEST");
_Static_assert(offsetof(struct sgx_keyrequest, isv_svn) == 4, "KEYREQUEST.ISVSVN");
_Static_assert(offsetof(struct sgx_keyrequest, cpusvn) == 8, "KEYREQUEST.CPUSVN");
_Static_assert(offsetof(struct sgx_keyrequest, attributes_mask) == 24, "KEYREQUEST.ATTRIBUTEMASK");
_Static_assert(offsetof(struct sgx_keyrequest, keyid) == 40, "KEYREQUEST.KEYID");
_Static_assert(offsetof(struct sgx_keyrequest, miscmask) == 72, "KEYREQUEST.MISCMASK");
_Static_assert(offsetof(struct sgx_keyrequest, config_svn) == 76, "KEYREQUEST.CONFIGSVN");

/* SDM "RDINFO Structure", operand of ERDINFO. */
#define SGX_RDINFO_CHILDPRESENT     (UINT64_C(1) << 0)
#define SGX_RDINFO_VIRTCHILDPRESENT (UINT64_C(1) << 1)
#define SGX_RDINFO_BLOCKED          (UINT64_C(1) << 63)

struct sgx_rdinfo {
	uint64_t status;
	uint64_t flags;
	uint64_t enclave_context;
	uint64_t reserved;
};
_Static_assert(sizeof(struct sgx_rdinfo) == 32, "RDINFO");
_Static_assert(offsetof(struct sgx_rdinfo, enclave_context) == 16, "RDINFO.ENCLAVECONTEXT");

/* SDM "Measurement": the 8-byte tags of the 64-byte blocks. */
#define SGX_TAG_ECREATE UINT64_C(0x0045544145524345)
#define SGX_TAG_EADD    UINT64_C(0x0000000044444145)
#define SGX_TAG_EEXTEND UINT64_C(0x00444E4554584545)

/* SDM "VMX Basic Exit Reasons" and SGX_CONFLICT's exit qualification. */
#define EXIT_REASON_ENCLS                 60
#define EXIT_REASON_ENCLV                 70
#define EXIT_REASON_SGX_CONFLICT          71
#define VMX_EXIT_REASONS_SGX_ENCLAVE_MODE (UINT32_C(1) << 27)
#define VMX_INTERRUPTIBILITY_ENCLAVE      (UINT32_C(1) << 4)

enum sgx_conflict_code {
	SGX_CONFLICT_TRACKING_RESOURCE = 0,
	SGX_CONFLICT_TRACKING_REFERENCE = 1,
	SGX_CONFLICT_EPC_PAGE_EXCEPTION = 2,
	SGX_CONFLICT_EPC_PAGE_ERROR = 3,
};

#endif
