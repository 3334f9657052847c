/* The loss on a CPU in one call; ffl_plugin/native.py builds and calls this.

   Plain C and OpenMP. Threads come from the OpenMP runtime that torch has loaded, transforms from the Intel MKL
   inside it: this library is linked with neither. */

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Compiled for several processors, chosen when it is loaded: the file may lie in a home that machines share. */
#if defined(__x86_64__) && defined(__GNUC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#define SMALLEST_NORMAL 1.17549435e-38f /* instead of 0 / 0 */
#define SHORTEST_RUN 1024 /* pixels that a thread averages at a time */
#define LONGEST_RUN 16384 /* whose sums stay in the cache */
#define EVEN_RUN 64 /* of which runs are multiples: what a vector takes does not depend on the number of threads */
#define WORTH_A_THREAD 16384 /* pixels */
#define ROWS_AT_A_TIME 32

/* MKL's functions, in the order in which native.py looks them up. MKL_LONG is long wherever this is built. */
struct mkl {
    long (*create)(void **descriptor, int domain, long dimensions, const long *lengths);
    long (*set)(void *descriptor, int parameter, ...);
    long (*commit)(void *descriptor);
    long (*forward)(void *descriptor, void *in, ...);
    long (*backward)(void *descriptor, void *in, ...);
    long (*discard)(void **descriptor);
};

/* Values of mkl_dfti.h. */
enum { REAL = 33, FORWARD_SCALE = 4, BACKWARD_SCALE = 5, CONJUGATE_EVEN_STORAGE = 10, PLACEMENT = 11,
       INPUT_STRIDES = 12, OUTPUT_STRIDES = 13, THREAD_LIMIT = 27, COMPLEX_COMPLEX = 39, INPLACE = 43, NOT_INPLACE = 44 };

/* Makes the unitary real transform of a plane, (rows, width) -> (rows, width/2 + 1) complex, or its inverse; returns
   what MKL says, 0 if all is well. In place the rows of a real plane are as long as those of its spectrum. */
long make_transform(const struct mkl *mkl, ptrdiff_t rows, ptrdiff_t width, int inverse, int in_place, int threads,
                    void **made)
{
    const ptrdiff_t columns = width / 2 + 1;
    const long lengths[] = {rows, width}, complex[] = {0, columns, 1};
    const long real[] = {0, in_place ? 2 * columns : width, 1};
    long failed = mkl->create(made, REAL, 2, lengths);
    if (failed)
        return failed;
    failed |= mkl->set(*made, PLACEMENT, in_place ? INPLACE : NOT_INPLACE);
    failed |= mkl->set(*made, CONJUGATE_EVEN_STORAGE, COMPLEX_COMPLEX);
    failed |= mkl->set(*made, INPUT_STRIDES, inverse ? complex : real);
    failed |= mkl->set(*made, OUTPUT_STRIDES, inverse ? real : complex);
    failed |= mkl->set(*made, inverse ? BACKWARD_SCALE : FORWARD_SCALE, 1 / sqrt((double)rows * width));
    failed |= mkl->set(*made, THREAD_LIMIT, (long)threads);
    return failed ? failed : mkl->commit(*made);
}

void discard_transform(const struct mkl *mkl, void *transform) { mkl->discard(&transform); }

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

FOR_EACH_PROCESSOR
static float highest_power(const float *frequencies, ptrdiff_t count)
{
    float highest = 0;
#pragma omp simd reduction(max : highest)
    for (ptrdiff_t i = 0; i < count; i++) {
        const float real = frequencies[2 * i], imaginary = frequencies[2 * i + 1];
        const float power = real * real + imaginary * imaginary;
        highest = power > highest ? power : highest;
    }
    return highest;
}

/* Multiplies some rows of a half spectrum D by scale w, w = |D| / max |D|; returns the sum of w |D|^2 over the whole
   rows: a column between the first and the middle one stands for two. */
FOR_EACH_PROCESSOR
static float weigh_rows(float *spectrum, ptrdiff_t rows, ptrdiff_t width, float inverse, float scale)
{
    const ptrdiff_t half = (width - 1) / 2;
    float twice = 0, once = 0;
    for (ptrdiff_t u = 0; u < rows; u++, spectrum += 2 * (width / 2 + 1)) {
#pragma omp simd reduction(+ : twice)
        for (ptrdiff_t v = 1; v <= half; v++) {
            const float real = spectrum[2 * v], imaginary = spectrum[2 * v + 1];
            const float power = real * real + imaginary * imaginary;
            const float weight = sqrtf(power * inverse);
            spectrum[2 * v] = real * (weight * scale);
            spectrum[2 * v + 1] = imaginary * (weight * scale);
            twice += weight * power;
        }
        for (ptrdiff_t v = 0; v <= width / 2; v += half + 1) {
            const float real = spectrum[2 * v], imaginary = spectrum[2 * v + 1];
            const float power = real * real + imaginary * imaginary;
            const float weight = sqrtf(power * inverse);
            spectrum[2 * v] = real * (weight * scale);
            spectrum[2 * v + 1] = imaginary * (weight * scale);
            once += weight * power;
        }
    }
    return 2 * twice + once;
}

/* Weighs the half spectrum of a plane, ROWS_AT_A_TIME by each thread; by_run is scratch, a float for each row. */
static void weigh(float *spectrum, ptrdiff_t rows, ptrdiff_t width, float scale, float *highest, float *energy,
                  float *by_run, int threads)
{
    const ptrdiff_t row = 2 * (width / 2 + 1), run = ROWS_AT_A_TIME, runs = (rows + run - 1) / run;
    float largest = 0;
    double total = 0;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (ptrdiff_t i = 0; i < runs; i++)
        by_run[i] = highest_power(spectrum + i * run * row, smaller(run, rows - i * run) * row / 2);
    for (ptrdiff_t i = 0; i < runs; i++)
        largest = fmaxf(largest, by_run[i]);
    const float inverse = 1 / fmaxf(largest, SMALLEST_NORMAL);
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (ptrdiff_t i = 0; i < runs; i++)
        by_run[i] = weigh_rows(spectrum + i * run * row, smaller(run, rows - i * run), width, inverse, scale);
    for (ptrdiff_t i = 0; i < runs; i++)
        total += by_run[i];
    *highest = largest;
    *energy = total;
}

/* Of `channels` planes the pixels are interleaved, one behind the other; apart, each plane has its own place, and
   rows of `padded` floats. The loops are written out for usual numbers of channels. */
#define FOR_CHANNELS(body) \
    switch (channels) { \
    case 1: { enum { C = 1 }; body } break; \
    case 3: { enum { C = 3 }; body } break; \
    case 4: { enum { C = 4 }; body } break; \
    default: { const ptrdiff_t C = channels; body } \
    }

/* Sets a row of the planes apart, of pred, or of pred - target if there is one. */
FOR_EACH_PROCESSOR
static void set_apart(const float *restrict pred, const float *restrict target, float *restrict planes,
                      ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t width, ptrdiff_t padded)
{
    for (ptrdiff_t u = 0; u < rows; u++, pred += channels * width, planes += padded) {
        if (target) {
            FOR_CHANNELS(
                for (ptrdiff_t i = 0; i < width; i++)
                    for (ptrdiff_t c = 0; c < C; c++)
                        planes[c * rows * padded + i] = pred[i * C + c] - target[i * C + c];
            )
            target += channels * width;
        } else {
            FOR_CHANNELS(
                for (ptrdiff_t i = 0; i < width; i++)
                    for (ptrdiff_t c = 0; c < C; c++)
                        planes[c * rows * padded + i] = pred[i * C + c];
            )
        }
    }
}

FOR_EACH_PROCESSOR
static void interleave(const float *restrict planes, float *restrict image, ptrdiff_t channels, ptrdiff_t rows,
                       ptrdiff_t width, ptrdiff_t padded)
{
    for (ptrdiff_t u = 0; u < rows; u++, image += channels * width, planes += padded) {
        FOR_CHANNELS(
            for (ptrdiff_t i = 0; i < width; i++)
                for (ptrdiff_t c = 0; c < C; c++)
                    image[i * C + c] = planes[c * rows * padded + i];
        )
    }
}

/* Returns the floats of scratch that focal_distance takes for each thread. */
ptrdiff_t scratch_floats(ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t width)
{
    return rows * (channels * 2 * (width / 2 + 1) + 1);
}

/* The focal distance of `groups` times `channels` planes, (rows, width), of which `channels` are interleaved.

   With D the spectrum of pred - target (of pred, if target is null) and w = |D| / max |D| in its plane: writes to
   gradient, laid out as pred is, scale F^-1(w D); per plane the sum of w |D|^2 over the whole spectrum and
   max |D|^2; per image of `depth` planes the mean of w |D|^2, and the mean of those. `forward` is in place, and
   `backward` if planes are interleaved. `outer` threads each take groups of their own and `inner` threads share a
   plane; one of the two is 1. Returns what MKL says, 0 if all is well. */
long focal_distance(const struct mkl *mkl, void *forward, void *backward, const float *pred, const float *target,
                    ptrdiff_t groups, ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t width, ptrdiff_t depth,
                    float scale, float *gradient, float *energy, float *highest, float *distances, float *mean,
                    float *scratch, int outer, int inner)
{
    const ptrdiff_t pixels = rows * width, size = channels * pixels, padded = 2 * (width / 2 + 1);
    const ptrdiff_t images = groups * channels / depth, share = scratch_floats(channels, rows, width);
    long failed = 0;
#pragma omp parallel for schedule(static) num_threads(outer) if (outer > 1) reduction(| : failed)
    for (ptrdiff_t thread = 0; thread < outer; thread++) {
        float *planes = scratch + thread * share, *by_run = planes + channels * rows * padded;
        for (ptrdiff_t group = thread * groups / outer; group < (thread + 1) * groups / outer; group++) {
            const float *theirs = target ? target + group * size : NULL;
            float *result = gradient + group * size;
            set_apart(pred + group * size, theirs, planes, channels, rows, width, padded);
            for (ptrdiff_t c = 0; c < channels; c++) {
                float *plane = planes + c * rows * padded;
                const ptrdiff_t index = group * channels + c;
                failed |= mkl->forward(forward, plane);
                weigh(plane, rows, width, scale, highest + index, energy + index, by_run, inner);
                failed |= channels > 1 ? mkl->backward(backward, plane) : mkl->backward(backward, plane, result);
            }
            if (channels > 1)
                interleave(planes, result, channels, rows, width, padded);
        }
    }
    double total = 0;
    for (ptrdiff_t image = 0; image < images; image++) {
        double sum = 0;
        for (ptrdiff_t c = 0; c < depth; c++)
            sum += energy[image * depth + c];
        distances[image] = sum / (depth * pixels);
        total += sum;
    }
    *mean = total / (images * depth * pixels);
    return failed;
}

/* Four images at a time: fewer visits to the sums, and more of the memory under way. */
FOR_EACH_PROCESSOR
static void add_images(const float *images, ptrdiff_t count, ptrdiff_t stride, float *restrict sum, ptrdiff_t pixels)
{
    ptrdiff_t n = 0;
    memset(sum, 0, pixels * sizeof *sum);
    for (; n + 4 <= count; n += 4) {
        const float *a = images + n * stride, *b = a + stride, *c = b + stride, *d = c + stride;
        for (ptrdiff_t i = 0; i < pixels; i++)
            sum[i] += (a[i] + b[i]) + (c[i] + d[i]);
    }
    for (; n < count; n++)
        for (ptrdiff_t i = 0; i < pixels; i++)
            sum[i] += images[n * stride + i];
}

FOR_EACH_PROCESSOR
static void subtract_scaled(const float *a, float scale_a, const float *b, float scale_b, float *difference,
                            ptrdiff_t pixels)
{
    for (ptrdiff_t i = 0; i < pixels; i++)
        difference[i] = scale_a * a[i] - scale_b * b[i];
}

/* Writes mean(pred) - mean(target), images of `pixels` floats. */
void mean_difference(const float *pred, ptrdiff_t pred_count, const float *target, ptrdiff_t target_count,
                     float *difference, ptrdiff_t pixels, int threads)
{
    /* Long runs of memory, but several to each thread. */
    const ptrdiff_t share = pixels / (4 * threads) / EVEN_RUN * EVEN_RUN;
    const ptrdiff_t run = share < SHORTEST_RUN ? SHORTEST_RUN : smaller(share, LONGEST_RUN);
#pragma omp parallel for schedule(static) num_threads(threads) if (pred_count * pixels > WORTH_A_THREAD)
    for (ptrdiff_t start = 0; start < pixels; start += run) {
        const ptrdiff_t some = smaller(run, pixels - start);
        float pred_sum[LONGEST_RUN], target_sum[LONGEST_RUN];
        add_images(pred + start, pred_count, pixels, pred_sum, some);
        add_images(target + start, target_count, pixels, target_sum, some);
        subtract_scaled(pred_sum, 1.f / pred_count, target_sum, 1.f / target_count, difference + start, some);
    }
}
