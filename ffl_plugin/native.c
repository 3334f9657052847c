/* The loss's own passes over memory on a CPU; ffl_plugin/native.py builds and calls them.

   Plain C and OpenMP. Threads come from the OpenMP runtime that torch has loaded: this library is linked with
   none of its own. */

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

/* Row u of a real plane has a mirror, row -u, and its columns v and -v: the half spectrum holds only one of each
   two entries (u, v) and (-u, -v), conjugates. Both get a value: real - imaginary here, real + imaginary there. */
static ptrdiff_t mirror(ptrdiff_t row, ptrdiff_t rows) { return row ? rows - row : 0; }

/* Writes the Hartley transform times w = |D| / max |D| of one row of D, and of its mirror; returns the sum of
   w |D|^2 over both. */
FOR_EACH_PROCESSOR
static float weigh_row(const float *restrict spectrum, float inverse, float *restrict here, float *restrict there,
                       ptrdiff_t width)
{
    const ptrdiff_t half = (width - 1) / 2;
    float energy = 0;
#pragma omp simd reduction(+ : energy)
    for (ptrdiff_t v = 1; v <= half; v++) {
        const float real = spectrum[2 * v], imaginary = spectrum[2 * v + 1];
        const float power = real * real + imaginary * imaginary;
        const float weight = sqrtf(power * inverse);
        here[v] = weight * (real - imaginary);
        there[width - v] = weight * (real + imaginary);
        energy += weight * power;
    }
    energy *= 2;
    for (ptrdiff_t v = 0; v <= width / 2; v += half + 1) { /* columns that mirror themselves */
        const float real = spectrum[2 * v], imaginary = spectrum[2 * v + 1];
        const float power = real * real + imaginary * imaginary;
        const float weight = sqrtf(power * inverse);
        here[v] = weight * (real - imaginary);
        energy += weight * power;
    }
    return energy;
}

FOR_EACH_PROCESSOR
static void hartley_row(const float *restrict spectrum, float *restrict here, float *restrict there,
                        ptrdiff_t width)
{
    const ptrdiff_t half = (width - 1) / 2;
    for (ptrdiff_t v = 0; v <= width / 2; v++)
        here[v] = spectrum[2 * v] - spectrum[2 * v + 1];
#pragma omp simd
    for (ptrdiff_t v = 1; v <= half; v++)
        there[width - v] = spectrum[2 * v] + spectrum[2 * v + 1];
}

/* Weighs half spectra D, (planes, rows, width/2 + 1) complex, by w = |D| / max |D| of their plane.

   Writes to weighted, (planes, rows, width), the Hartley transform of F^-1(w D): its own inverse, and as real as
   an image. Writes, per plane, max |D|^2 and the sum of w |D|^2 over the whole spectrum. by_row is scratch,
   (planes, rows). */
void weigh(const float *spectra, ptrdiff_t planes, ptrdiff_t rows, ptrdiff_t width, float *weighted,
           float *highest, float *energy, float *by_row, int threads)
{
    const ptrdiff_t columns = width / 2 + 1;
#pragma omp parallel num_threads(threads) if (planes * rows * columns > WORTH_A_THREAD)
    {
#pragma omp for schedule(static)
        for (ptrdiff_t i = 0; i < planes * rows; i++)
            by_row[i] = highest_power(spectra + 2 * i * columns, columns);
#pragma omp for schedule(static)
        for (ptrdiff_t plane = 0; plane < planes; plane++) {
            highest[plane] = 0;
            for (ptrdiff_t i = plane * rows; i < (plane + 1) * rows; i++)
                highest[plane] = fmaxf(highest[plane], by_row[i]);
        }
#pragma omp for schedule(static)
        for (ptrdiff_t i = 0; i < planes * rows; i++) {
            const ptrdiff_t plane = i / rows, row = i % rows;
            by_row[i] = weigh_row(spectra + 2 * i * columns, 1 / fmaxf(highest[plane], SMALLEST_NORMAL),
                                  weighted + i * width,
                                  weighted + (plane * rows + mirror(row, rows)) * width, width);
        }
#pragma omp for schedule(static)
        for (ptrdiff_t plane = 0; plane < planes; plane++) {
            energy[plane] = 0;
            for (ptrdiff_t i = plane * rows; i < (plane + 1) * rows; i++)
                energy[plane] += by_row[i];
        }
    }
}

/* Writes the Hartley transforms, (planes, rows, width), that half spectra, (planes, rows, width/2 + 1), hold. */
void hartley(const float *spectra, ptrdiff_t planes, ptrdiff_t rows, ptrdiff_t width, float *transforms,
             int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (planes * rows * width > WORTH_A_THREAD)
    for (ptrdiff_t i = 0; i < planes * rows; i++)
        hartley_row(spectra + 2 * i * (width / 2 + 1), transforms + i * width,
                    transforms + (i - i % rows + mirror(i % rows, rows)) * width, width);
}

static ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

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
