#ifndef LAMINA_CLZMA_SHIM_H
#define LAMINA_CLZMA_SHIM_H

#include <lzma.h>

#endif
