/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What pbtest, patchbench's DRM test driver, can be asked.
 *
 * Its DRM devices, two unless the module parameter "devices" says otherwise, are
 * found as any are: by the name "pbtest" that DRM_IOCTL_VERSION tells. They lie
 * at /sys/bus/platform/devices/pbtest.N and can be unbound and bound again at
 * /sys/bus/platform/drivers/pbtest. Their calls work on card and render node,
 * dumb buffers only on the card, as with every driver.
 *
 * What only the kernel knows is told by /dev/pbtest, which is no DRM device: it
 * also answers when all of those are gone. /dev/pbtest-plain is an importer
 * that is no DRM device either.
 *
 * Common to all calls: a flag or a step that is not named here is -EINVAL, and
 * so is padding that is not zero; a handle that is unknown is -ENOENT, a file
 * descriptor that is not open -EBADF. Nothing that is a result is read.
 */
#ifndef PBTEST_UAPI_H
#define PBTEST_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define PBTEST_NAME_MAX	64

/* No buffer is larger, with what PBTEST_IMPORT adds to it. */
#define PBTEST_MAX_SIZE	(256u << 20)

/*
 * What the pages that a buffer has left are filled with. The last
 * PBTEST_RETIRED sets of them are kept until the buffer is freed, so a mapping
 * that wrongly still shows them harms nobody.
 */
#define PBTEST_POISON	0xdb
#define PBTEST_RETIRED	4

/* ---- Buffers of its own: as exporter ---- */

/* DRM_IOCTL_PBTEST_CREATE. Without flags the buffer is what CREATE_DUMB makes. */

/* Its dma-buf has no mmap operation at all. */
#define PBTEST_BO_NO_DMABUF_MMAP	0x01
/*
 * Mapped at once at mmap by remap_pfn_range(), page by page, as the system heap
 * does. There is no fault handler: what is zapped stays so, and touching it is
 * a SIGBUS.
 */
#define PBTEST_BO_POPULATE_PFN		0x02
/* The same by vm_insert_page(): a VM_MIXEDMAP of counted pages. */
#define PBTEST_BO_POPULATE_PAGE		0x04
/*
 * With one of the two before: its dma-buf's mmap leaves vm_ops and
 * vm_private_data as it found them, again as the system heap does. What they
 * then are is what the one who forwarded left there. The pages live as long as
 * the file that the mapping holds.
 */
#define PBTEST_BO_LEAVE_VM_OPS		0x08
/*
 * Its dma-buf's mmap does nothing but add VM_DONTCOPY: a mapping whose flags
 * have changed, and which mmap_region() may therefore try to merge once more,
 * with nothing that forbids it. Touching it is a SIGBUS. Not with others.
 */
#define PBTEST_BO_PLAIN			0x10
/*
 * Who maps an attachment of its dma-buf, which an import does, waits so long
 * with nothing for a processor to do: a second import of it meets the first,
 * also on one processor.
 */
#define PBTEST_BO_SLOW_MAP		0x20
#define PBTEST_SLOW_MAP_MS	20
/*
 * Its object has no mmap of its own, as those of some drivers have not: PRIME
 * then goes by way of fops->mmap, with a DRM file that it makes for the time of
 * the call. Not with others.
 */
#define PBTEST_BO_FOPS_MMAP		0x40
/*
 * Its dma-buf's mmap puts a file of its own into the mapping, as i915 and
 * etnaviv do: whoever forwards has to leave that one there. Not with others.
 */
#define PBTEST_BO_OWN_FILE		0x100
#define PBTEST_OWN_FILE_NAME	"pbtest-own"
/*
 * An attachment of its dma-buf is mapped anew each time, and unmapped by no one
 * but whoever mapped it. Of other buffers it is mapped once and stays so until
 * it is detached.
 */
#define PBTEST_BO_NO_CACHED_MAP		0x80
/*
 * It may move while it is shared, as those of amdgpu and xe may: its dma-buf has
 * pin and unpin, and an importer that cannot take a move pins it. Not with
 * others.
 */
#define PBTEST_BO_DYNAMIC		0x200

/*
 * Its object has neither mmap nor vm_ops nor a list of pages, as one has that is
 * for the device alone: it cannot be mapped nor imported. Not with others.
 */
#define PBTEST_BO_BARE			0x400
/*
 * Its end takes so long, as where a device has to be waited for: nobody has a
 * reference any more, and its fake offset still leads to it.
 */
#define PBTEST_BO_SLOW_FREE		0x800
#define PBTEST_SLOW_FREE_MS	100

struct pbtest_create {
	__u64 size;		/* in: bytes, a multiple of the page size */
	__u32 flags;		/* in: PBTEST_BO_* */
	__u32 handle;		/* out */
	__u64 offset;		/* out: the fake offset to mmap it at */
};

/* DRM_IOCTL_PBTEST_MOVE */

/*
 * Do not zap: the mistake of a driver, to prove that a test sees it. Old
 * mappings then go on to show the old pages, which are poisoned.
 */
#define PBTEST_MOVE_NO_ZAP		0x01

/*
 * Gives a buffer fresh pages with the old contents, and zaps its mappings with
 * drm_vma_node_unmap(), as a driver does that moves it in or out of VRAM.
 * -EBUSY if the buffer is populated at mmap: nothing would map it again.
 * -EINVAL for an imported one.
 */
struct pbtest_move {
	__u32 handle;		/* in */
	__u32 flags;		/* in: PBTEST_MOVE_* */
	__u64 generation;	/* out: 1 when created, one more with each move */
};

/*
 * DRM_IOCTL_PBTEST_HOLD: holds the reservation lock of a buffer, which an
 * import shares with its exporter, until so much time has passed (0) or a
 * signal comes (-EINTR).
 */
struct pbtest_hold {
	__u32 handle;		/* in */
	__u32 milliseconds;	/* in */
};

/*
 * DRM_IOCTL_PBTEST_BUSY: as if the kernel moved a buffer, or an import's
 * exporter did, for so much time: a fence of DMA_RESV_USAGE_KERNEL, which
 * everybody has to wait for. 0 ends what was begun by the same handle.
 */
#define PBTEST_MAX_BUSY_MS	60000

struct pbtest_busy {
	__u32 handle;		/* in */
	__u32 milliseconds;	/* in */
};

/* ---- Buffers of others: as importer ---- */

/* DRM_IOCTL_PBTEST_IMPORT. DRM_IOCTL_PRIME_FD_TO_HANDLE is the same without flags. */

/*
 * A buffer of this very device is imported like a foreign one instead of
 * handing out the object itself. Only a DRM file that has not exported or
 * imported the dma-buf before comes that far: the PRIME core answers for others.
 */
#define PBTEST_IMPORT_FOREIGN		0x01
/*
 * The importer says that it can take a move: its attachment is dynamic, and it
 * counts the moves that it is told of.
 */
#define PBTEST_IMPORT_DYNAMIC		0x02
#define PBTEST_IMPORT_FLAGS	(PBTEST_IMPORT_FOREIGN | PBTEST_IMPORT_DYNAMIC)

struct pbtest_import {
	__s32 fd;		/* in: the dma-buf */
	__u32 flags;		/* in: PBTEST_IMPORT_* */
	__u64 extra;		/* in: bytes by which the import is made larger than
				 *     the dma-buf, so that one can map beyond it
				 */
	__u32 fail_step;	/* in: one of PBTEST_FAIL_IMPORT to _IMPORT_OPEN at which
				 *     this import fails, or PBTEST_FAIL_NOTHING
				 */
	__u32 fail_error;	/* in: errno, 1 to 133; 0 with FAIL_NOTHING */
	__u32 handle;		/* out */
	__u32 pad;		/* in: 0 */
	__u64 offset;		/* out: the fake offset of the import */
	__u64 size;		/* out: of the import, extra included */
	__u64 sg_bytes;		/* out: what its scatter list holds */
	__u32 sg_offset;	/* out: where in its page the list begins */
	__u32 pad2;		/* in: 0 */
};

/*
 * DRM_IOCTL_PBTEST_REMAP: has the attachment of an imported buffer unmapped and
 * mapped again, as an importer may that does not keep it mapped.
 */
struct pbtest_remap {
	__u32 handle;		/* in */
	__u32 same;		/* out: whether the scatter list is the one before */
};

/*
 * DRM_IOCTL_PBTEST_PEEK: maps the dma-buf of an imported buffer into the kernel
 * by dma_buf_vmap(), reads one byte and unmaps it again.
 */
struct pbtest_peek {
	__u32 handle;		/* in */
	__u32 value;		/* out */
	__u64 offset;		/* in: in bytes */
};

/*
 * DRM_IOCTL_PBTEST_FORWARD: the next mmap of an imported buffer passes this page offset to
 * dma_buf_mmap() instead of 0. Once; a mmap that fails earlier uses it up too.
 */
struct pbtest_forward {
	__u32 handle;		/* in */
	__u32 pad;		/* in: 0 */
	__u64 pgoff;		/* in */
};

/* ---- /dev/pbtest-plain: an importer that calls dma_buf_mmap() by itself ---- */

/*
 * PBTEST_PLAIN_FORWARD: the next mmap of this open file goes to dma_buf_mmap(),
 * with the page offset that it was asked for. Once. Any other mmap of it is what
 * one of a PBTEST_BO_PLAIN buffer is.
 */
struct pbtest_plain {
	__s32 fd;		/* in: the dma-buf */
	__u32 pad;		/* in: 0 */
};

/*
 * PBTEST_PLAIN_OBJECT: the next mmap of this open file goes to
 * drm_gem_mmap_obj() with a buffer of pbtest's own, which is how a driver maps
 * a buffer that no fake offset led to. Once.
 */
struct pbtest_plain_object {
	__s32 fd;		/* in: a DRM file of pbtest's */
	__u32 handle;		/* in: of that file */
};

/* ---- Failing on demand ---- */

/*
 * DRM_IOCTL_PBTEST_FAIL: whoever reaches this step of a buffer next fails there.
 * Every step leaves what a correct driver leaves: references that were taken are
 * given back, vm_file is whatever it is by then, with the one reference that
 * mmap_region() puts. Steps are a buffer's own (-EINVAL for the other kind).
 */
enum pbtest_step {
	/* Forget what was asked for. */
	PBTEST_FAIL_NOTHING = 0,
	/* Own: as the object's mmap begins; GEM has set vm_ops and private data. */
	PBTEST_FAIL_MMAP_ENTRY = 1,
	/* Own: as it ends, all flags set and, if it populates, all pages mapped. */
	PBTEST_FAIL_MMAP_LATE = 2,
	/* Own: in dma_buf_ops.mmap, before drm_gem_dmabuf_mmap(). */
	PBTEST_FAIL_DMABUF_ENTRY = 3,
	/* Own: there, after it did its work, which vm_ops->close() then undoes. */
	PBTEST_FAIL_DMABUF_LATE = 4,
	/* Imported: before dma_buf_mmap(). The vm_file is still the chardev. */
	PBTEST_FAIL_FORWARD_ENTRY = 5,
	/* Imported: after dma_buf_mmap() succeeded, undone by vm_ops->close(). */
	PBTEST_FAIL_FORWARD_LATE = 6,
	/* Own, FOPS_MMAP: in fops->mmap, before drm_gem_mmap(). */
	PBTEST_FAIL_FOPS_ENTRY = 7,
	/* Own, FOPS_MMAP: there, after it, undone by vm_ops->close(). */
	PBTEST_FAIL_FOPS_LATE = 8,
	/* Own: drm_gem_object_funcs.export, before and after the dma-buf is made. */
	PBTEST_FAIL_EXPORT = 9,
	PBTEST_FAIL_EXPORT_LATE = 10,
	/* Own: drm_gem_object_funcs.open, by which a client gets a handle. */
	PBTEST_FAIL_OPEN = 11,
	/* Own: dma_buf_ops.attach, before and after drm_gem_map_attach(). */
	PBTEST_FAIL_ATTACH = 12,
	PBTEST_FAIL_ATTACH_LATE = 13,
	/* Own: drm_gem_object_funcs.pin and get_sg_table. */
	PBTEST_FAIL_PIN = 14,
	PBTEST_FAIL_SG_TABLE = 15,
	/* Own: dma_buf_ops.map_dma_buf, before and after drm_gem_map_dma_buf(). */
	PBTEST_FAIL_MAP = 16,
	PBTEST_FAIL_MAP_LATE = 17,
	/* Own: dma_buf_ops.begin_cpu_access and end_cpu_access. */
	PBTEST_FAIL_BEGIN_ACCESS = 18,
	PBTEST_FAIL_END_ACCESS = 19,
	/* An import, by pbtest_import: drm_driver.gem_prime_import. */
	PBTEST_FAIL_IMPORT = 20,
	/* drm_driver.gem_prime_import_sg_table, at its beginning and once the object is made. */
	PBTEST_FAIL_IMPORT_SG_TABLE = 21,
	PBTEST_FAIL_IMPORT_SG_TABLE_LATE = 22,
	/* drm_gem_object_funcs.open of the imported object. */
	PBTEST_FAIL_IMPORT_OPEN = 23,
	/* Own, DYNAMIC: dma_buf_ops.pin. */
	PBTEST_FAIL_DMABUF_PIN = 24,
	/* The same, where it is pinned already. */
	PBTEST_FAIL_DMABUF_PIN_AGAIN = 25,
};

struct pbtest_fail {
	__u32 handle;		/* in */
	__u32 step;		/* in: enum pbtest_step */
	__u32 error;		/* in: errno, 1 to 133; 0 with FAIL_NOTHING */
	__u32 pad;		/* in: 0 */
};

/* ---- What only the kernel knows: calls of /dev/pbtest ---- */

/* PBTEST_QUERY_OBJECT: one GEM object, of this or any other DRM driver. */

#define PBTEST_OBJECT_IMPORTED		0x01
/* obj->dma_buf is set: exported or imported, and a handle is left. */
#define PBTEST_OBJECT_HAS_DMABUF	0x02
/* It is pbtest's; the fields from id on are only set then. */
#define PBTEST_OBJECT_OWN		0x04
/* PBTEST_FAIL or PBTEST_FORWARD was asked for and not reached yet. */
#define PBTEST_OBJECT_FAIL_ARMED	0x08
#define PBTEST_OBJECT_FORWARD_ARMED	0x10

struct pbtest_object {
	__s32 fd;		/* in: a DRM file; -EINVAL if it is none */
	__u32 handle;		/* in: of that file */
	__u32 flags;		/* out: PBTEST_OBJECT_* */
	__u32 handle_count;	/* out */
	__u64 refcount;		/* out: without this call's */
	__u64 size;		/* out: bytes */
	__u64 offset;		/* out: the fake offset, 0 if it has none */
	__s64 dmabuf_count;	/* out: references of the dma-buf's file, 0 if none */
	__u64 id;		/* out: unique as long as the module is loaded */
	__u64 generation;	/* out: see pbtest_move; 0 if imported */
	__u64 faults;		/* out: how often its fault handler mapped a page */
	__u32 bo_flags;		/* out: PBTEST_BO_*, or PBTEST_IMPORT_* */
	__u32 allowed;		/* out: DRM files that may map it */
	__u64 allowances;	/* out: how often they were allowed to, all together */
	__u32 pins;		/* out: of pbtest's own */
	__u32 vmaps;		/* out: of pbtest's own */
	__u32 maps;		/* out: of attachments of pbtest's own */
	__u32 dmabuf_pins;	/* out: by dma_buf_ops.pin of pbtest's own */
	__u32 moves;		/* out: that an import was told of */
	__u32 pad;		/* out: 0 */
	char funcs[PBTEST_NAME_MAX];	/* out: symbol of obj->funcs */
};

/* PBTEST_QUERY_FILE: an open file and the address space that mappings of it hang on. */

#define PBTEST_FILE_DMABUF		0x01

struct pbtest_file {
	__s32 fd;		/* in */
	__u32 flags;		/* out: PBTEST_FILE_* */
	__u64 first;		/* in: a range of page offsets, both ends in it, */
	__u64 last;		/* in: for vmas_within */
	__s64 count;		/* out: references, without this call's; other threads
				 *      that are in a call on it may add theirs
				 */
	__s64 i_mmap_writable;	/* out: of f_mapping */
	__u64 vmas;		/* out: hanging on f_mapping */
	__u64 vmas_within;	/* out: of these, those that show part of the range */
	__u64 dev;		/* out: as st_dev */
	__u64 ino;		/* out: as st_ino */
	__u64 mapping_ino;	/* out: of the inode whose address space it is */
	char name[PBTEST_NAME_MAX];	/* out: of its dentry */
	char f_op[PBTEST_NAME_MAX];	/* out: symbol */
};

/* PBTEST_QUERY_VMA: the mapping at an address of the caller's. */

#define PBTEST_VMA_HAS_FILE		0x01
#define PBTEST_VMA_HAS_OPS		0x02
#define PBTEST_VMA_HAS_PRIVATE		0x04
/* vm_file is the file at fd. */
#define PBTEST_VMA_SAME_FILE		0x08
/* vm_file's address space is that of the file at fd: who zaps there finds it. */
#define PBTEST_VMA_SAME_MAPPING		0x10
/* It hangs on the tree of vm_file's address space. */
#define PBTEST_VMA_LINKED		0x20
/* There is a PTE at the address. Only for VM_PFNMAP and VM_IO mappings. */
#define PBTEST_VMA_PRESENT		0x40
/* The vm_ops are pbtest's. */
#define PBTEST_VMA_OWN			0x80
/* Its pages are mapped write-combining. */
#define PBTEST_VMA_WRITE_COMBINE	0x100

struct pbtest_vma {
	__u64 address;		/* in: -EFAULT if nothing is mapped there */
	__s32 fd;		/* in: a file to compare with, or -1 */
	__u32 flags;		/* out: PBTEST_VMA_* */
	__u64 start;		/* out */
	__u64 end;		/* out */
	__u64 pgoff;		/* out: vm_pgoff */
	__u64 vm_flags;		/* out */
	__s64 file_count;	/* out: references of vm_file */
	__u64 dev;		/* out: of vm_file, as st_dev */
	__u64 ino;		/* out: of vm_file, as st_ino */
	__u64 mapping_ino;	/* out: of the inode of vm_file's address space */
	__u64 pfn;		/* out: with PRESENT */
	__u64 id;		/* out: of pbtest's buffer that vm_private_data is, 0
				 *      if it is none; see pbtest_object
				 */
	char file_name[PBTEST_NAME_MAX];	/* out: of vm_file's dentry */
	char f_op[PBTEST_NAME_MAX];	/* out: symbol of vm_file's f_op */
	char vm_ops[PBTEST_NAME_MAX];	/* out: symbol */
};

/* PBTEST_QUERY_CLIENT: one DRM file of any driver, and its device. */

struct pbtest_client {
	__s32 fd;		/* in: a DRM file; -EINVAL if it is none */
	__u32 pad;		/* out: 0 */
	__u64 handles;		/* out: of this file */
	__u64 dmabufs;		/* out: that it knows by dma-buf, */
	__u64 dmabuf_handles;	/* out: and by handle */
	__u64 objects;		/* out: that have a fake offset on the device */
	__u64 device_count;	/* out: references of the device */
};

/* PBTEST_QUERY_DMABUF */

struct pbtest_dmabuf {
	__s32 fd;		/* in: a dma-buf */
	__u32 attachments;	/* out */
	__u32 vmaps;		/* out */
	__u32 locked;		/* out: whether somebody holds its reservation lock */
	__u32 busy;		/* out: whether the kernel is, see pbtest_busy */
};

/*
 * PBTEST_QUERY_LOOKUP: drm_vma_offset_lookup_locked(), asked for any range of a
 * device's fake offsets. -ENOENT if it finds nothing.
 */
struct pbtest_lookup {
	__s32 fd;		/* in: a DRM file; -EINVAL if it is none */
	__u32 pad;		/* out: 0 */
	__u64 start;		/* in: in pages */
	__u64 pages;		/* in */
	__u64 found_start;	/* out: of the object that it found, in pages */
	__u64 found_pages;	/* out */
};

/*
 * PBTEST_QUERY_UUID: virtio_dma_buf_get_uuid(), as a virtio device asks it that
 * imports. Fails as that does; -ENOTTY where the kernel has none.
 */
struct pbtest_uuid {
	__s32 fd;		/* in: a dma-buf */
	__u32 pad;		/* out: 0 */
	__u8 uuid[16];		/* out */
};

/*
 * PBTEST_QUERY_ALLOW: a driver's own word on who may map an object.
 * drm_vma_node_allow_once() is for i915, which asks it at each request for a
 * fake offset; -ENOTTY where the kernel has none.
 */
#define PBTEST_ALLOW_ONCE		1
#define PBTEST_ALLOW_REVOKE		2

struct pbtest_allow {
	__s32 fd;		/* in: a DRM file; -EINVAL if it is none */
	__u32 handle;		/* in: of that file */
	__s32 other;		/* in: the DRM file that is allowed */
	__u32 how;		/* in: PBTEST_ALLOW_* */
};

/*
 * PBTEST_QUERY_PAGE: how the kernel itself maps a page of memory. -ENOTTY where
 * nobody but the architecture knows.
 */
struct pbtest_page {
	__u64 pfn;		/* in */
	__u32 cached;		/* out: 0 if it is not mapped write-back */
	__u32 pad;		/* out: 0 */
};

/* PBTEST_QUERY_SYMBOL: what the kernel calls an address of its code. */
struct pbtest_symbol {
	__u64 address;		/* in */
	char name[PBTEST_NAME_MAX];	/* out */
};

/*
 * DRM_IOWR(DRM_COMMAND_BASE + number, type), written out: DRM's own headers are
 * not where user space is built without libdrm.
 */
#define PBTEST_DRM_IOCTL(number, type) \
	_IOWR('d', 0x40 + (number), struct type)

#define DRM_IOCTL_PBTEST_CREATE		PBTEST_DRM_IOCTL(0, pbtest_create)
#define DRM_IOCTL_PBTEST_MOVE		PBTEST_DRM_IOCTL(1, pbtest_move)
#define DRM_IOCTL_PBTEST_IMPORT		PBTEST_DRM_IOCTL(2, pbtest_import)
#define DRM_IOCTL_PBTEST_FORWARD	PBTEST_DRM_IOCTL(3, pbtest_forward)
#define DRM_IOCTL_PBTEST_FAIL		PBTEST_DRM_IOCTL(4, pbtest_fail)
#define DRM_IOCTL_PBTEST_HOLD		PBTEST_DRM_IOCTL(5, pbtest_hold)
#define DRM_IOCTL_PBTEST_PEEK		PBTEST_DRM_IOCTL(6, pbtest_peek)
#define DRM_IOCTL_PBTEST_BUSY		PBTEST_DRM_IOCTL(7, pbtest_busy)
#define DRM_IOCTL_PBTEST_REMAP		PBTEST_DRM_IOCTL(8, pbtest_remap)

#define PBTEST_QUERY_OBJECT		_IOWR('P', 0x70, struct pbtest_object)
#define PBTEST_QUERY_FILE		_IOWR('P', 0x71, struct pbtest_file)
#define PBTEST_QUERY_VMA		_IOWR('P', 0x72, struct pbtest_vma)

#define PBTEST_QUERY_CLIENT		_IOWR('P', 0x73, struct pbtest_client)
#define PBTEST_QUERY_DMABUF		_IOWR('P', 0x74, struct pbtest_dmabuf)
#define PBTEST_QUERY_LOOKUP		_IOWR('P', 0x75, struct pbtest_lookup)
#define PBTEST_QUERY_UUID		_IOWR('P', 0x76, struct pbtest_uuid)
#define PBTEST_QUERY_SYMBOL		_IOWR('P', 0x77, struct pbtest_symbol)

#define PBTEST_QUERY_ALLOW		_IOW('P', 0x7a, struct pbtest_allow)

#define PBTEST_QUERY_PAGE		_IOWR('P', 0x7b, struct pbtest_page)

#define PBTEST_PLAIN_FORWARD		_IOW('P', 0x78, struct pbtest_plain)
#define PBTEST_PLAIN_OBJECT		_IOW('P', 0x79, struct pbtest_plain_object)

#if defined(__cplusplus)
}
#endif

#endif
