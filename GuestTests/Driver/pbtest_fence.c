// SPDX-License-Identifier: GPL-2.0-only
/* Buffers that the kernel is busy with, like one that is being moved. */

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "pbtest.h"

struct pbtest_fence {
	struct dma_fence base;
	spinlock_t lock;
	/* Holds a reference until it has signalled. */
	struct delayed_work work;
};

/* The module's text must stay as long as there is a fence. */
static atomic_t pbtest_fences = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(pbtest_fences_gone);

static const char *pbtest_fence_name(struct dma_fence *fence)
{
	return "pbtest";
}

static void pbtest_fence_free(struct rcu_head *rcu)
{
	struct dma_fence *fence = container_of(rcu, struct dma_fence, rcu);

	kfree(container_of(fence, struct pbtest_fence, base));
	if (atomic_dec_and_test(&pbtest_fences))
		wake_up(&pbtest_fences_gone);
}

static void pbtest_fence_release(struct dma_fence *fence)
{
	call_rcu(&fence->rcu, pbtest_fence_free);
}

static const struct dma_fence_ops pbtest_fence_ops = {
	.get_driver_name = pbtest_fence_name,
	.get_timeline_name = pbtest_fence_name,
	.release = pbtest_fence_release,
};

static void pbtest_fence_signal(struct work_struct *work)
{
	struct pbtest_fence *fence =
		container_of(work, struct pbtest_fence, work.work);

	dma_fence_signal(&fence->base);
	dma_fence_put(&fence->base);
}

static struct pbtest_fence *pbtest_fence_create(void)
{
	struct pbtest_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;

	spin_lock_init(&fence->lock);
	INIT_DELAYED_WORK(&fence->work, pbtest_fence_signal);
	dma_fence_init(&fence->base, &pbtest_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	atomic_inc(&pbtest_fences);
	return fence;
}

static struct pbtest_fence *pbtest_bo_swap_fence(struct pbtest_bo *bo,
						 struct pbtest_fence *fence)
{
	spin_lock(&bo->lock);
	swap(bo->fence, fence);
	spin_unlock(&bo->lock);
	return fence;
}

/* Consumes the reference, if there is a fence. */
static void pbtest_fence_end(struct pbtest_fence *fence)
{
	if (!fence)
		return;
	if (cancel_delayed_work_sync(&fence->work)) {
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
	}
	dma_fence_put(&fence->base);
}

/* Ends the work that a buffer is busy with, if there is any. */
void pbtest_bo_idle(struct pbtest_bo *bo)
{
	pbtest_fence_end(pbtest_bo_swap_fence(bo, NULL));
}

static int pbtest_bo_busy(struct pbtest_bo *bo, u32 milliseconds)
{
	struct pbtest_fence *fence = pbtest_fence_create();
	struct dma_resv *resv = bo->base.resv;
	int ret;

	if (!fence)
		return -ENOMEM;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (!ret) {
		ret = dma_resv_reserve_fences(resv, 1);
		if (!ret)
			dma_resv_add_fence(resv, &fence->base,
					   DMA_RESV_USAGE_KERNEL);
		dma_resv_unlock(resv);
	}
	if (ret) {
		dma_fence_put(&fence->base);
		return ret;
	}

	dma_fence_get(&fence->base);
	schedule_delayed_work(&fence->work, msecs_to_jiffies(milliseconds));
	pbtest_fence_end(pbtest_bo_swap_fence(bo, fence));
	return 0;
}

int pbtest_busy_ioctl(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct pbtest_busy *args = data;
	struct pbtest_bo *bo;
	int ret = 0;

	if (args->milliseconds > PBTEST_MAX_BUSY_MS)
		return -EINVAL;

	bo = pbtest_bo_lookup(file, args->handle);
	if (!bo)
		return -ENOENT;

	if (args->milliseconds)
		ret = pbtest_bo_busy(bo, args->milliseconds);
	else
		pbtest_bo_idle(bo);

	drm_gem_object_put(&bo->base);
	return ret;
}

void pbtest_fences_drain(void)
{
	wait_event(pbtest_fences_gone, !atomic_read(&pbtest_fences));
	rcu_barrier();
}
