//! The test binary's own calls to C math end in the libm crate, not in the platform's library.
#![allow(unsafe_code)] // Asks the dynamic linker for the platform's functions.
#![allow(clippy::unwrap_used)]
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::ffi::CString;
use std::hint::black_box;

type Function = fn(f64) -> f64;

fn inputs() -> impl Iterator<Item = f64> {
    (1..200_000u64)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 48) as f64)
}

fn platform(name: &str) -> extern "C" fn(f64) -> f64 {
    let (library, name) = (
        CString::new("libm.so.6").unwrap(),
        CString::new(name).unwrap(),
    );
    // SAFETY: opens the system's libm and looks up a function of type double(double).
    unsafe {
        let handle = libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!handle.is_null(), "this system has no libm.so.6");
        let symbol = libc::dlsym(handle, name.as_ptr());
        assert!(!symbol.is_null());
        std::mem::transmute::<*mut libc::c_void, extern "C" fn(f64) -> f64>(symbol)
    }
}

#[test]
fn std_calls_end_in_the_libm_crate() {
    assert!(assay_libm::pin() > 40);
    let functions: [(&str, Function, Function); 5] = [
        ("exp", |x| black_box(x).exp(), libm::exp),
        ("log2", |x| black_box(x).log2(), libm::log2),
        ("log10", |x| black_box(x).log10(), libm::log10),
        ("cbrt", |x| black_box(x).cbrt(), libm::cbrt),
        ("sin", |x| black_box(x).sin(), libm::sin),
    ];
    let mut differing = 0;
    for (name, std_calls, pinned) in functions {
        let platform = platform(name);
        assert_ne!(platform as *const () as usize, 0);
        for x in inputs() {
            assert_eq!(
                std_calls(x).to_bits(),
                pinned(x).to_bits(),
                "{name}({x:e}) did not go through the libm crate"
            );
            differing += usize::from(platform(x).to_bits() != pinned(x).to_bits());
        }
    }
    // Otherwise the equality above would prove nothing on this system.
    assert!(
        differing > 0,
        "this system's libm agrees with the libm crate everywhere"
    );
    for x in inputs() {
        let y = black_box(x) / 7.0;
        assert_eq!(black_box(x).powf(y).to_bits(), libm::pow(x, y).to_bits());
        let f = black_box(x as f32);
        assert_eq!(f.powf(0.3).to_bits(), libm::powf(f, 0.3).to_bits());
        assert_eq!(black_box(x).sin_cos(), libm::sincos(x));
    }
}
