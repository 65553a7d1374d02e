#ifndef LAMINA_CLZMA_SHIM_H
#define LAMINA_CLZMA_SHIM_H

#include <lzma.h>

// The macro does not import.
static const uint32_t lamina_lzma_concatenated = LZMA_CONCATENATED;

#endif
