#ifndef LAMINA_CCURL_SHIM_H
#define LAMINA_CCURL_SHIM_H

#include <curl/curl.h>

#endif
