// KernelBuild
