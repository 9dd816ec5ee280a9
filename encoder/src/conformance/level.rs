//! Which of rav1e's SIMD levels this machine runs.

/// Whether rav1e's assembly is part of this program: its build found nasm.
pub const ASSEMBLY: bool = cfg!(feature = "asm");

/// rav1e's name of the level that a worker takes here when none is asked for: what the CPU has, or less where
/// `RAV1E_CPU_TARGET` says so.
pub fn level_in_use() -> &'static str {
    let detected = detected();
    let forced = std::env::var("RAV1E_CPU_TARGET").ok();
    let place = |name: &str| LEVELS.iter().position(|level| *level == name);
    match forced.as_deref().and_then(place) {
        Some(at) if ASSEMBLY && Some(at) < place(detected) => LEVELS[at],
        _ => detected,
    }
}

#[cfg(target_arch = "x86_64")]
const LEVELS: [&str; 7] = [
    "rust",
    "sse2",
    "ssse3",
    "sse4.1",
    "avx2",
    "avx512",
    "avx512icl",
];

/// As `cpu_features/x86.rs` of rav1e 0.8.1 decides.
#[cfg(target_arch = "x86_64")]
fn detected() -> &'static str {
    macro_rules! all {
        ($($feature:tt)+) => { $(std::arch::is_x86_feature_detected!($feature))&&+ };
    }
    if !ASSEMBLY {
        return "rust";
    }
    let avx512 = all!("avx512bw" "avx512cd" "avx512dq" "avx512f" "avx512vl");
    let more = all!("avx512vnni" "avx512ifma" "avx512vbmi" "avx512vbmi2" "avx512vpopcntdq" "avx512bitalg" "gfni"
                    "vaes" "vpclmulqdq");
    match () {
        () if avx512 && more => "avx512icl",
        () if avx512 => "avx512",
        () if all!("avx2") => "avx2",
        () if all!("sse4.1") => "sse4.1",
        () if all!("ssse3") => "ssse3",
        () => "sse2",
    }
}

#[cfg(not(target_arch = "x86_64"))]
const LEVELS: [&str; 2] = ["rust", "neon"];

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> &'static str {
    let neon = cfg!(target_arch = "aarch64") && ASSEMBLY;
    LEVELS[usize::from(neon)]
}
