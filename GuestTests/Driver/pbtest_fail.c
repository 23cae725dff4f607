// SPDX-License-Identifier: GPL-2.0-only
/* Buffers that fail, or hold their reservation lock, on demand. */

#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "pbtest.h"

/* Returns the error requested for this step, once. */
int pbtest_bo_reached(struct pbtest_bo *bo, enum pbtest_step step)
{
	int ret = 0;

	spin_lock(&bo->lock);
	if (bo->fail_step == step) {
		ret = -(int)bo->fail_error;
		bo->fail_step = PBTEST_FAIL_NOTHING;
	}
	spin_unlock(&bo->lock);
	return ret;
}

int pbtest_fail_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_fail *args = data;
	struct pbtest_bo *bo;
	bool valid;

	if (args->pad || (args->step > PBTEST_FAIL_END_ACCESS &&
			  args->step != PBTEST_FAIL_DMABUF_PIN &&
			  args->step != PBTEST_FAIL_DMABUF_PIN_AGAIN))
		return -EINVAL;
	if (args->step == PBTEST_FAIL_NOTHING ? args->error != 0 :
	    args->error < 1 || args->error > PBTEST_MAX_ERRNO)
		return -EINVAL;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	valid = args->step == PBTEST_FAIL_NOTHING ||
		pbtest_bo_is_imported(bo) ==
			(args->step == PBTEST_FAIL_FORWARD_ENTRY ||
			 args->step == PBTEST_FAIL_FORWARD_LATE);

	if (valid) {
		spin_lock(&bo->lock);
		bo->fail_step = args->step;
		bo->fail_error = args->error;
		spin_unlock(&bo->lock);
	}

	drm_gem_object_put(&bo->base);
	return valid ? 0 : -EINVAL;
}

int pbtest_hold_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_hold *args = data;
	struct pbtest_bo *bo;
	int ret;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	ret = dma_resv_lock_interruptible(bo->base.resv, NULL);
	if (!ret) {
		schedule_timeout_interruptible(
			msecs_to_jiffies(args->milliseconds));
		dma_resv_unlock(bo->base.resv);
		if (signal_pending(current))
			ret = -EINTR;
	}

	drm_gem_object_put(&bo->base);
	return ret;
}
