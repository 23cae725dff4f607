// What glibc's malloc can be told; Swift's Glibc module does not have it.
#include <malloc.h>
