#include "cplatform.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <string.h>
#include <wmmintrin.h>

// One crc32 instruction has a latency of three cycles and a throughput of one, so three independent
// streams run as fast as one. Each stream covers LANE bytes; a carry-less multiplication moves a
// stream's remainder past the bytes that follow it.
#define LANE 1024

int apus_crc32c_is_available(void) {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

static inline uint64_t load(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

// x^(8 * LANE * streams - 33) modulo the CRC-32C polynomial, bits reflected: multiplying a remainder by it
// and reducing the product with one crc32 step gives the remainder after 8 * LANE * streams zero bits.
// CPlatform's test in Primitives compares the result with the table form for every length up to 4 lanes.
static const uint64_t SHIFT_ONE_LANE = 0x170076fa;
static const uint64_t SHIFT_TWO_LANES = 0xa51b6135;

__attribute__((target("sse4.2,pclmul")))
static inline uint64_t multiply(uint32_t crc, uint64_t factor) {
    __m128i product = _mm_clmulepi64_si128(
        _mm_cvtsi32_si128((int)crc), _mm_cvtsi64_si128((long long)factor), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("sse4.2,pclmul")))
uint32_t apus_crc32c_hardware(uint32_t crc, const void *data, size_t length) {
    const uint8_t *p = data;
    uint64_t a = ~crc;
    while (length >= 3 * LANE) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < LANE - 8; i += 8) {
            a = _mm_crc32_u64(a, load(p + i));
            b = _mm_crc32_u64(b, load(p + LANE + i));
            c = _mm_crc32_u64(c, load(p + 2 * LANE + i));
        }
        a = _mm_crc32_u64(a, load(p + LANE - 8));
        b = _mm_crc32_u64(b, load(p + 2 * LANE - 8));
        // The last word of the third lane takes the other two remainders along.
        uint64_t moved = multiply((uint32_t)a, SHIFT_TWO_LANES) ^ multiply((uint32_t)b, SHIFT_ONE_LANE);
        a = _mm_crc32_u64(c, load(p + 3 * LANE - 8) ^ moved);
        p += 3 * LANE;
        length -= 3 * LANE;
    }
    for (; length >= 8; p += 8, length -= 8) a = _mm_crc32_u64(a, load(p));
    for (; length > 0; p++, length--) a = _mm_crc32_u8((uint32_t)a, *p);
    return ~(uint32_t)a;
}

#else

int apus_crc32c_is_available(void) { return 0; }
uint32_t apus_crc32c_hardware(uint32_t crc, const void *data, size_t length) {
    (void)data, (void)length;
    return crc;
}

#endif
