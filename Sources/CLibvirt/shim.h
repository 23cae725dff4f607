#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <sys/prctl.h>

// Makes this process the parent of those of its descendants whose own parent is gone. prctl(2) takes a variable number
// of arguments, which Swift cannot pass.
static inline int clibvirt_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
