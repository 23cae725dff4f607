/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The ioctls of pbtest, patchbench's DRM test driver.
 *
 * It has two DRM devices unless the module parameter "devices" says otherwise.
 * They are found like any others: DRM_IOCTL_VERSION returns the name "pbtest".
 * They are at /sys/bus/platform/devices/pbtest.N and can be unbound and bound
 * again at /sys/bus/platform/drivers/pbtest. Their ioctls work on the card and
 * the render node, dumb buffers only on the card, as with every driver.
 *
 * /dev/pbtest reports what only the kernel knows. It is not a DRM device, and
 * still works when all of those are gone. /dev/pbtest-plain is an importer that
 * is not a DRM device either.
 *
 * Common to all calls: a flag or a step that is not listed here is -EINVAL, and
 * so is padding that is not zero. An unknown handle is -ENOENT, a file
 * descriptor that is not open is -EBADF. Output fields are never read.
 */
#ifndef PBTEST_UAPI_H
#define PBTEST_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define PBTEST_NAME_MAX	64

/* The largest buffer, including what PBTEST_IMPORT adds. */
#define PBTEST_MAX_SIZE	(256u << 20)

/*
 * The old pages of a buffer are filled with this byte after a move. The last
 * PBTEST_RETIRED sets of them are kept until the buffer is freed, so a mapping
 * that wrongly still shows them does no harm.
 */
#define PBTEST_POISON	0xdb
#define PBTEST_RETIRED	4

/* ---- Own buffers: as exporter ---- */

/* DRM_IOCTL_PBTEST_CREATE. Without flags, the same as CREATE_DUMB. */

/* Its dma-buf has no mmap operation at all. */
#define PBTEST_BO_NO_DMABUF_MMAP	0x01
/*
 * Mapped completely at mmap by remap_pfn_range(), page by page, like a buffer
 * of the system heap. There is no fault handler: zapped pages stay zapped, and
 * touching them is a SIGBUS.
 */
#define PBTEST_BO_POPULATE_PFN		0x02
/* The same with vm_insert_page(): a VM_MIXEDMAP of refcounted pages. */
#define PBTEST_BO_POPULATE_PAGE		0x04
/*
 * With one of the previous two: its dma-buf's mmap does not change vm_ops and
 * vm_private_data, again like the system heap. They remain as the importer that
 * forwarded left them. The pages live as long as the file that the mapping
 * holds.
 */
#define PBTEST_BO_LEAVE_VM_OPS		0x08
/*
 * Its dma-buf's mmap only adds VM_DONTCOPY. As the flags have changed,
 * mmap_region() may try once more to merge the mapping, and nothing forbids
 * that. Touching it is a SIGBUS. Cannot be combined with other flags.
 */
#define PBTEST_BO_PLAIN			0x10
/*
 * Mapping an attachment of its dma-buf, which an import does, sleeps for
 * PBTEST_SLOW_MAP_MS: so a second import of it overlaps the first, even with
 * one CPU.
 */
#define PBTEST_BO_SLOW_MAP		0x20
#define PBTEST_SLOW_MAP_MS	20
/*
 * Its object has no mmap, as in some drivers: PRIME then uses fops->mmap, with a
 * DRM file that it creates for the duration of the call. Cannot be combined with
 * other flags.
 */
#define PBTEST_BO_FOPS_MMAP		0x40
/*
 * Its dma-buf's mmap puts a file of the exporter into the mapping, as i915 and
 * etnaviv do: an importer that forwards must leave that file there. Cannot be
 * combined with other flags.
 */
#define PBTEST_BO_OWN_FILE		0x100
#define PBTEST_OWN_FILE_NAME	"pbtest-own"
/*
 * An attachment of its dma-buf is mapped anew each time, and stays mapped until
 * the importer unmaps it. Attachments of other buffers are mapped once and stay
 * so until they are detached.
 */
#define PBTEST_BO_NO_CACHED_MAP		0x80
/*
 * It may move while it is shared, like buffers of amdgpu and xe: its dma-buf has
 * pin and unpin, and an importer that is not dynamic pins it. Cannot be combined
 * with other flags.
 */
#define PBTEST_BO_DYNAMIC		0x200

/*
 * Its object has neither mmap nor vm_ops nor a list of pages, like one that is
 * for the device alone: it can be neither mapped nor imported. Cannot be
 * combined with other flags.
 */
#define PBTEST_BO_BARE			0x400
/*
 * Freeing it takes PBTEST_SLOW_FREE_MS, as if it had to wait for a device: there
 * is no reference any more, but its fake offset still leads to it.
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
 * Do not zap: simulates a driver bug, to prove that a test sees it. Existing
 * mappings still show the old pages, which are poisoned.
 */
#define PBTEST_MOVE_NO_ZAP		0x01

/*
 * Gives a buffer new pages with the old contents, and zaps its mappings with
 * drm_vma_node_unmap(), like a driver that moves it in or out of VRAM.
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
 * import shares with its exporter, until the time is over (returns 0) or a
 * signal comes (-EINTR).
 */
struct pbtest_hold {
	__u32 handle;		/* in */
	__u32 milliseconds;	/* in */
};

/*
 * DRM_IOCTL_PBTEST_BUSY: pretends for some time that the kernel, or an import's
 * exporter, moves a buffer: adds a fence of DMA_RESV_USAGE_KERNEL, which
 * everyone has to wait for. 0 ends what the same handle began.
 */
#define PBTEST_MAX_BUSY_MS	60000

struct pbtest_busy {
	__u32 handle;		/* in */
	__u32 milliseconds;	/* in */
};

/* ---- Foreign buffers: as importer ---- */

/* DRM_IOCTL_PBTEST_IMPORT. Without flags, the same as DRM_IOCTL_PRIME_FD_TO_HANDLE. */

/*
 * A buffer of this same device is imported like a foreign one, instead of
 * returning the object itself. This takes a DRM file that has not exported or
 * imported the dma-buf before: otherwise the PRIME core returns its handle.
 */
#define PBTEST_IMPORT_FOREIGN		0x01
/*
 * The importer can handle moves: its attachment is dynamic, and it counts the
 * move_notify calls.
 */
#define PBTEST_IMPORT_DYNAMIC		0x02
#define PBTEST_IMPORT_FLAGS	(PBTEST_IMPORT_FOREIGN | PBTEST_IMPORT_DYNAMIC)

struct pbtest_import {
	__s32 fd;		/* in: the dma-buf */
	__u32 flags;		/* in: PBTEST_IMPORT_* */
	__u64 extra;		/* in: bytes by which the import is larger than the
				 *     dma-buf, so that a mapping can exceed it
				 */
	__u32 fail_step;	/* in: one of PBTEST_FAIL_IMPORT to _IMPORT_OPEN at which
				 *     this import fails, or PBTEST_FAIL_NOTHING
				 */
	__u32 fail_error;	/* in: errno, 1 to 133; 0 with FAIL_NOTHING */
	__u32 handle;		/* out */
	__u32 pad;		/* in: 0 */
	__u64 offset;		/* out: the fake offset of the import */
	__u64 size;		/* out: of the import, extra included */
	__u64 sg_bytes;		/* out: the total of its scatter list */
	__u32 sg_offset;	/* out: where in its first page the list begins */
	__u32 pad2;		/* in: 0 */
};

/*
 * DRM_IOCTL_PBTEST_REMAP: unmaps the attachment of an imported buffer and maps
 * it again, like an importer that does not keep it mapped.
 */
struct pbtest_remap {
	__u32 handle;		/* in */
	__u32 same;		/* out: whether the scatter list is the previous one */
};

/*
 * DRM_IOCTL_PBTEST_PEEK: maps the dma-buf of an imported buffer into the kernel
 * with dma_buf_vmap(), reads one byte and unmaps it again.
 */
struct pbtest_peek {
	__u32 handle;		/* in */
	__u32 value;		/* out */
	__u64 offset;		/* in: in bytes */
};

/*
 * DRM_IOCTL_PBTEST_FORWARD: the next mmap of an imported buffer passes this page
 * offset to dma_buf_mmap() instead of 0. Only once; an mmap that fails before
 * that uses it up as well.
 */
struct pbtest_forward {
	__u32 handle;		/* in */
	__u32 pad;		/* in: 0 */
	__u64 pgoff;		/* in */
};

/* ---- /dev/pbtest-plain: an importer that calls dma_buf_mmap() directly ---- */

/*
 * PBTEST_PLAIN_FORWARD: the next mmap of this open file goes to dma_buf_mmap(),
 * with the page offset passed to mmap. Only once. Any other mmap of the file is
 * like one of a PBTEST_BO_PLAIN buffer.
 */
struct pbtest_plain {
	__s32 fd;		/* in: the dma-buf */
	__u32 pad;		/* in: 0 */
};

/*
 * PBTEST_PLAIN_OBJECT: the next mmap of this open file goes to
 * drm_gem_mmap_obj() with one of pbtest's own buffers, which is how a driver
 * maps a buffer without using its fake offset. Only once.
 */
struct pbtest_plain_object {
	__s32 fd;		/* in: a DRM file of pbtest */
	__u32 handle;		/* in: of that file */
};

/* ---- Failing on demand ---- */

/*
 * DRM_IOCTL_PBTEST_FAIL: the next call that reaches this step of a buffer fails
 * there, and cleans up like a correct driver: references that it took are put,
 * and vm_file stays as it is by then, with the one reference that mmap_region()
 * puts. Each step is for one kind of buffer (-EINVAL for the other kind).
 */
enum pbtest_step {
	/* Cancels the request. */
	PBTEST_FAIL_NOTHING = 0,
	/* Own: at the start of the object's mmap; GEM has set vm_ops and private data. */
	PBTEST_FAIL_MMAP_ENTRY = 1,
	/* Own: at its end: all flags set and, if it populates, all pages mapped. */
	PBTEST_FAIL_MMAP_LATE = 2,
	/* Own: in dma_buf_ops.mmap, before drm_gem_dmabuf_mmap(). */
	PBTEST_FAIL_DMABUF_ENTRY = 3,
	/* Own: the same, after it; vm_ops->close() then undoes it. */
	PBTEST_FAIL_DMABUF_LATE = 4,
	/* Imported: before dma_buf_mmap(). The vm_file is still the chardev. */
	PBTEST_FAIL_FORWARD_ENTRY = 5,
	/* Imported: after dma_buf_mmap() succeeded, undone by vm_ops->close(). */
	PBTEST_FAIL_FORWARD_LATE = 6,
	/* Own, FOPS_MMAP: in fops->mmap, before drm_gem_mmap(). */
	PBTEST_FAIL_FOPS_ENTRY = 7,
	/* Own, FOPS_MMAP: the same, after it; undone by vm_ops->close(). */
	PBTEST_FAIL_FOPS_LATE = 8,
	/* Own: drm_gem_object_funcs.export, before and after the dma-buf is made. */
	PBTEST_FAIL_EXPORT = 9,
	PBTEST_FAIL_EXPORT_LATE = 10,
	/* Own: drm_gem_object_funcs.open, when a client gets a handle. */
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
	/* Only with pbtest_import: drm_driver.gem_prime_import. */
	PBTEST_FAIL_IMPORT = 20,
	/* drm_driver.gem_prime_import_sg_table, at its start and once the object exists. */
	PBTEST_FAIL_IMPORT_SG_TABLE = 21,
	PBTEST_FAIL_IMPORT_SG_TABLE_LATE = 22,
	/* drm_gem_object_funcs.open of the imported object. */
	PBTEST_FAIL_IMPORT_OPEN = 23,
	/* Own, DYNAMIC: dma_buf_ops.pin. */
	PBTEST_FAIL_DMABUF_PIN = 24,
	/* The same, if it is already pinned. */
	PBTEST_FAIL_DMABUF_PIN_AGAIN = 25,
};

struct pbtest_fail {
	__u32 handle;		/* in */
	__u32 step;		/* in: enum pbtest_step */
	__u32 error;		/* in: errno, 1 to 133; 0 with FAIL_NOTHING */
	__u32 pad;		/* in: 0 */
};

/* ---- What only the kernel knows: the ioctls of /dev/pbtest ---- */

/* PBTEST_QUERY_OBJECT: one GEM object, of this or any other DRM driver. */

#define PBTEST_OBJECT_IMPORTED		0x01
/* obj->dma_buf is set: exported or imported, with a handle left. */
#define PBTEST_OBJECT_HAS_DMABUF	0x02
/* It belongs to pbtest; the fields from id on are only set then. */
#define PBTEST_OBJECT_OWN		0x04
/* PBTEST_FAIL or PBTEST_FORWARD was requested and not reached yet. */
#define PBTEST_OBJECT_FAIL_ARMED	0x08
#define PBTEST_OBJECT_FORWARD_ARMED	0x10

struct pbtest_object {
	__s32 fd;		/* in: a DRM file; -EINVAL if it is none */
	__u32 handle;		/* in: of that file */
	__u32 flags;		/* out: PBTEST_OBJECT_* */
	__u32 handle_count;	/* out */
	__u64 refcount;		/* out: without the reference of this call */
	__u64 size;		/* out: bytes */
	__u64 offset;		/* out: the fake offset, 0 if it has none */
	__s64 dmabuf_count;	/* out: references of the dma-buf's file, 0 if none */
	__u64 id;		/* out: unique as long as the module is loaded */
	__u64 generation;	/* out: see pbtest_move; 0 if imported */
	__u64 faults;		/* out: how often its fault handler mapped a page */
	__u32 bo_flags;		/* out: PBTEST_BO_*, or PBTEST_IMPORT_* */
	__u32 allowed;		/* out: DRM files that may map it */
	__u64 allowances;	/* out: how often they were allowed to, in total */
	__u32 pins;		/* out: own buffers only */
	__u32 vmaps;		/* out: own buffers only */
	__u32 maps;		/* out: of attachments; own buffers only */
	__u32 dmabuf_pins;	/* out: by dma_buf_ops.pin; own buffers only */
	__u32 moves;		/* out: move_notify calls of an import */
	__u32 pad;		/* out: 0 */
	char funcs[PBTEST_NAME_MAX];	/* out: symbol of obj->funcs */
};

/* PBTEST_QUERY_FILE: an open file and its address space. */

#define PBTEST_FILE_DMABUF		0x01

struct pbtest_file {
	__s32 fd;		/* in */
	__u32 flags;		/* out: PBTEST_FILE_* */
	__u64 first;		/* in: an inclusive range of page offsets, */
	__u64 last;		/* in: for vmas_within */
	__s64 count;		/* out: references, without that of this call; other
				 *      threads that are in a call on it may add theirs
				 */
	__s64 i_mmap_writable;	/* out: of f_mapping */
	__u64 vmas;		/* out: on f_mapping */
	__u64 vmas_within;	/* out: those of them that show part of the range */
	__u64 dev;		/* out: as st_dev */
	__u64 ino;		/* out: as st_ino */
	__u64 mapping_ino;	/* out: of the inode whose address space it is */
	char name[PBTEST_NAME_MAX];	/* out: of its dentry */
	char f_op[PBTEST_NAME_MAX];	/* out: symbol */
};

/* PBTEST_QUERY_VMA: the mapping at an address of the caller. */

#define PBTEST_VMA_HAS_FILE		0x01
#define PBTEST_VMA_HAS_OPS		0x02
#define PBTEST_VMA_HAS_PRIVATE		0x04
/* vm_file is the file at fd. */
#define PBTEST_VMA_SAME_FILE		0x08
/* vm_file's address space is that of the file at fd: a zap there finds it. */
#define PBTEST_VMA_SAME_MAPPING		0x10
/* It is in the interval tree of vm_file's address space. */
#define PBTEST_VMA_LINKED		0x20
/* There is a PTE at the address. Only for VM_PFNMAP and VM_IO mappings. */
#define PBTEST_VMA_PRESENT		0x40
/* The vm_ops are those of pbtest. */
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
	__u64 id;		/* out: of the pbtest buffer in vm_private_data, 0 if
				 *      it is none; see pbtest_object
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
	__u64 dmabufs;		/* out: entries in its tree by dma-buf, */
	__u64 dmabuf_handles;	/* out: and in its tree by handle */
	__u64 objects;		/* out: with a fake offset on the device */
	__u64 device_count;	/* out: references of the device */
	__u64 module_count;	/* out: and of its driver's module, if it is one */
};

/* PBTEST_QUERY_DMABUF */

struct pbtest_dmabuf {
	__s32 fd;		/* in: a dma-buf */
	__u32 attachments;	/* out */
	__u32 vmaps;		/* out */
	__u32 locked;		/* out: whether its reservation lock is held */
	__u32 busy;		/* out: whether it is busy, see pbtest_busy */
};

/*
 * PBTEST_QUERY_LOOKUP: drm_vma_offset_lookup_locked(), for any range of a
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
 * PBTEST_QUERY_UUID: calls virtio_dma_buf_get_uuid() like a virtio device that
 * imports. Fails as that does; -ENOTTY if the kernel does not have it.
 */
struct pbtest_uuid {
	__s32 fd;		/* in: a dma-buf */
	__u32 pad;		/* out: 0 */
	__u8 uuid[16];		/* out */
};

/*
 * PBTEST_QUERY_ALLOW: allows a client to map an object, or revokes that, like a
 * driver. i915 calls drm_vma_node_allow_once() at each request for a fake
 * offset; -ENOTTY if the kernel does not have it.
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
 * PBTEST_QUERY_PAGE: how the kernel itself maps a page of memory. -ENOTTY on
 * architectures where pbtest cannot tell.
 */
struct pbtest_page {
	__u64 pfn;		/* in */
	__u32 cached;		/* out: 0 if it is not mapped write-back */
	__u32 pad;		/* out: 0 */
};

/* PBTEST_QUERY_SYMBOL: the symbol at an address of the kernel's code. */
struct pbtest_symbol {
	__u64 address;		/* in */
	char name[PBTEST_NAME_MAX];	/* out */
};

/*
 * DRM_IOWR(DRM_COMMAND_BASE + number, type), written out: without libdrm, user
 * space does not have DRM's headers.
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
