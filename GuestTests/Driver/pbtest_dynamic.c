// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that may move while they are shared, like those of amdgpu and xe: the
 * exporter pins one only for importers that are not dynamic, and notifies the
 * dynamic ones of a move.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>

#include <drm/drm_gem.h>
#include <drm/drm_prime.h>

#include "pbtest.h"
#include "pbtest_kernel.h"

/* &dma_buf_ops.pin. Only counts, like pbtest_bo_pin(). */
int pbtest_dmabuf_pin(struct dma_buf_attachment *attach)
{
	struct pbtest_bo *bo = to_pbtest_bo(attach->dmabuf->priv);
	int ret;

	dma_resv_assert_held(attach->dmabuf->resv);
	ret = pbtest_bo_reached(bo, PBTEST_FAIL_DMABUF_PIN);
	if (!ret && atomic_read(&bo->dmabuf_pins))
		ret = pbtest_bo_reached(bo, PBTEST_FAIL_DMABUF_PIN_AGAIN);
	if (!ret)
		atomic_inc(&bo->dmabuf_pins);
	return ret;
}

/* &dma_buf_ops.unpin */
void pbtest_dmabuf_unpin(struct dma_buf_attachment *attach)
{
	dma_resv_assert_held(attach->dmabuf->resv);
	atomic_dec(&to_pbtest_bo(attach->dmabuf->priv)->dmabuf_pins);
}

/*
 * Returns the dma-buf of a buffer that is about to move, if it has one: its
 * importers must be notified. Called before the reservation lock is taken.
 */
struct dma_buf *pbtest_bo_get_dmabuf(struct pbtest_bo *bo)
{
	struct drm_device *drm = bo->base.dev;
	struct dma_buf *dmabuf;

	mutex_lock(&drm->object_name_lock);
	dmabuf = bo->base.dma_buf;
	if (dmabuf)
		get_dma_buf(dmabuf);
	mutex_unlock(&drm->object_name_lock);
	return dmabuf;
}

/* &dma_buf_attach_ops.move_notify */
static void pbtest_move_notify(struct dma_buf_attachment *attach)
{
	struct pbtest_bo *bo = attach->importer_priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (bo)
		bo->moves++;
}

static const struct dma_buf_attach_ops pbtest_attach_ops = {
	.pbtest_moves = pbtest_move_notify,
};

/* Like drm_gem_prime_import(), for a dynamic importer. */
struct drm_gem_object *pbtest_import_dynamic(struct drm_device *drm,
					     struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *attach;
	struct drm_gem_object *obj;
	struct sg_table *sgt;
	int ret;

	attach = dma_buf_dynamic_attach(dmabuf, drm->dev, &pbtest_attach_ops,
					NULL);
	if (IS_ERR(attach))
		return ERR_CAST(attach);
	get_dma_buf(dmabuf);

	/* Pinned for the duration of one step, as for a scanout. */
	dma_resv_lock(dmabuf->resv, NULL);
	ret = dma_buf_pin(attach);
	sgt = ret ? ERR_PTR(ret) :
		    dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (!ret)
		dma_buf_unpin(attach);
	dma_resv_unlock(dmabuf->resv);
	if (IS_ERR(sgt)) {
		obj = ERR_CAST(sgt);
		goto err_detach;
	}

	obj = pbtest_prime_import_sg_table(drm, attach, sgt);
	if (IS_ERR(obj))
		goto err_unmap;

	obj->import_attach = attach;
	obj->resv = dmabuf->resv;
	dma_resv_lock(dmabuf->resv, NULL);
	attach->importer_priv = to_pbtest_bo(obj);
	dma_resv_unlock(dmabuf->resv);
	return obj;

err_unmap:
	dma_resv_lock(dmabuf->resv, NULL);
	dma_buf_unmap_attachment(attach, sgt, DMA_BIDIRECTIONAL);
	dma_resv_unlock(dmabuf->resv);
err_detach:
	dma_buf_detach(dmabuf, attach);
	dma_buf_put(dmabuf);
	return obj;
}
