#ifndef LAMINA_CMICROHTTPD_SHIM_H
#define LAMINA_CMICROHTTPD_SHIM_H

#include <microhttpd.h>

#endif
