//! The mathematical functions of this binary.
//!
//! rav1e calls `exp`, `log2`, `pow` and `powf` through the C names of the platform's libm, and libms differ in the last
//! bit. Linking this crate defines those names (and their neighbours, which a compiler may choose instead) over the
//! `libm` crate, so that encoder output does not depend on glibc, musl or their versions. Functions that IEEE 754 fixes
//! to the bit (`sqrt`, `fma`, `floor`, `ceil`, `round`, `fmod` …) are left to the platform.
//!
//! Call [`pin`] from the binary's `main`: it makes the linker take this crate's object before it looks at libm.so.
#![allow(unsafe_code)] // Exporting a C name is "unsafe" to the language; nothing here touches memory but `sincos`.

macro_rules! define {
    ($($name:ident ( $($arg:ident),+ ) : $t:ty;)+) => {
        /// The C names, defined for the linker.
        pub mod symbols {
            $(
                #[doc = concat!("C `", stringify!($name), "` by the libm crate.")]
                #[unsafe(no_mangle)]
                pub extern "C" fn $name($($arg: $t),+) -> $t {
                    libm::$name($($arg),+)
                }
            )+
        }
        /// Names this crate defines.
        pub const NAMES: &[&str] = &[$(stringify!($name)),+, "sincos", "sincosf"];

        /// Makes the linker resolve the C names to this crate; returns how many it defines.
        pub fn pin() -> usize {
            let defined = [$(symbols::$name as *const () as usize),+];
            std::hint::black_box(&defined);
            std::hint::black_box([sincos as *const () as usize, sincosf as *const () as usize]);
            NAMES.len()
        }
    };
}

define! {
    acos(x): f64; acosf(x): f32;
    acosh(x): f64; acoshf(x): f32;
    asin(x): f64; asinf(x): f32;
    asinh(x): f64; asinhf(x): f32;
    atan(x): f64; atanf(x): f32;
    atan2(y, x): f64; atan2f(y, x): f32;
    atanh(x): f64; atanhf(x): f32;
    cbrt(x): f64; cbrtf(x): f32;
    cos(x): f64; cosf(x): f32;
    cosh(x): f64; coshf(x): f32;
    exp(x): f64; expf(x): f32;
    exp10(x): f64; exp10f(x): f32;
    exp2(x): f64; exp2f(x): f32;
    expm1(x): f64; expm1f(x): f32;
    hypot(x, y): f64; hypotf(x, y): f32;
    log(x): f64; logf(x): f32;
    log10(x): f64; log10f(x): f32;
    log1p(x): f64; log1pf(x): f32;
    log2(x): f64; log2f(x): f32;
    pow(x, y): f64; powf(x, y): f32;
    sin(x): f64; sinf(x): f32;
    sinh(x): f64; sinhf(x): f32;
    tan(x): f64; tanf(x): f32;
    tanh(x): f64; tanhf(x): f32;
}

/// C `sincos`, which compilers make of a sine beside a cosine.
///
/// # Safety
/// Both pointers must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sincos(x: f64, sine: *mut f64, cosine: *mut f64) {
    let (s, c) = libm::sincos(x);
    // SAFETY: the caller's promise, as in C.
    unsafe {
        sine.write(s);
        cosine.write(c);
    }
}

/// C `sincosf`.
///
/// # Safety
/// Both pointers must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sincosf(x: f32, sine: *mut f32, cosine: *mut f32) {
    let (s, c) = libm::sincosf(x);
    // SAFETY: the caller's promise, as in C.
    unsafe {
        sine.write(s);
        cosine.write(c);
    }
}
