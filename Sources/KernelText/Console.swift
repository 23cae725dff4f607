// KernelText
