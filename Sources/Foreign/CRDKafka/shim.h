#ifndef LAMINA_CRDKAFKA_SHIM_H
#define LAMINA_CRDKAFKA_SHIM_H

#include <librdkafka/rdkafka.h>
// The cluster in the process that tests read from.
#include <librdkafka/rdkafka_mock.h>

#endif
