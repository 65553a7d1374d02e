#ifndef LAMINA_CZSTD_SHIM_H
#define LAMINA_CZSTD_SHIM_H

#include <zstd.h>

#endif
