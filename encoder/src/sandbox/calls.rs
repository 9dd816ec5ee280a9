//! Calls of the kernel: seccomp.

use std::collections::BTreeMap;
use std::io;

use libc as sys;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Everything that the worker and FFmpeg's demuxers and decoders do, on every architecture. What is not here (sockets,
/// `ptrace`, other processes' memory, mounts, keys, io_uring, BPF, …) is answered as by a kernel that does not have it,
/// which C libraries are prepared for.
const NEEDED: &[sys::c_long] = &[
    // pipes and open files
    sys::SYS_read,
    sys::SYS_readv,
    sys::SYS_pread64,
    sys::SYS_preadv,
    sys::SYS_write,
    sys::SYS_writev,
    sys::SYS_pwrite64,
    sys::SYS_lseek,
    sys::SYS_close,
    sys::SYS_close_range,
    sys::SYS_fcntl,
    sys::SYS_ioctl,
    sys::SYS_dup,
    sys::SYS_dup3,
    sys::SYS_pipe2,
    sys::SYS_ppoll,
    sys::SYS_pselect6,
    sys::SYS_fstat,
    sys::SYS_fstatfs,
    sys::SYS_ftruncate,
    sys::SYS_fadvise64,
    // names, within what Landlock allows
    sys::SYS_openat,
    sys::SYS_newfstatat,
    sys::SYS_statx,
    sys::SYS_statfs,
    sys::SYS_faccessat,
    sys::SYS_faccessat2,
    sys::SYS_readlinkat,
    sys::SYS_getdents64,
    sys::SYS_getcwd,
    sys::SYS_unlinkat,
    // memory
    sys::SYS_brk,
    sys::SYS_mmap,
    sys::SYS_munmap,
    sys::SYS_mremap,
    sys::SYS_mprotect,
    sys::SYS_madvise,
    sys::SYS_mlock,
    sys::SYS_munlock,
    sys::SYS_membarrier,
    // threads and processes
    sys::SYS_clone,
    sys::SYS_clone3,
    sys::SYS_execve,
    sys::SYS_exit,
    sys::SYS_exit_group,
    sys::SYS_wait4,
    sys::SYS_waitid,
    sys::SYS_set_tid_address,
    sys::SYS_set_robust_list,
    sys::SYS_get_robust_list,
    sys::SYS_rseq,
    sys::SYS_futex,
    sys::SYS_sched_yield,
    sys::SYS_sched_getaffinity,
    sys::SYS_sched_setaffinity,
    sys::SYS_sched_getparam,
    sys::SYS_sched_getscheduler,
    sys::SYS_getpid,
    sys::SYS_getppid,
    sys::SYS_gettid,
    sys::SYS_prctl,
    sys::SYS_prlimit64,
    sys::SYS_getrusage,
    sys::SYS_times,
    // signals
    sys::SYS_kill,
    sys::SYS_tkill,
    sys::SYS_tgkill,
    sys::SYS_rt_sigaction,
    sys::SYS_rt_sigprocmask,
    sys::SYS_rt_sigreturn,
    sys::SYS_rt_sigtimedwait,
    sys::SYS_sigaltstack,
    sys::SYS_restart_syscall,
    // clocks, randomness, who and where one is
    sys::SYS_clock_gettime,
    sys::SYS_clock_getres,
    sys::SYS_clock_nanosleep,
    sys::SYS_nanosleep,
    sys::SYS_gettimeofday,
    sys::SYS_getrandom,
    sys::SYS_getuid,
    sys::SYS_geteuid,
    sys::SYS_getgid,
    sys::SYS_getegid,
    sys::SYS_uname,
    sys::SYS_sysinfo,
    // the second, narrower filter
    sys::SYS_seccomp,
];

/// Older forms of the same, which only some architectures have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[sys::c_long] = &[
    sys::SYS_access,
    sys::SYS_arch_prctl,
    sys::SYS_dup2,
    sys::SYS_fork,
    sys::SYS_getrlimit,
    sys::SYS_lstat,
    sys::SYS_open,
    sys::SYS_pipe,
    sys::SYS_poll,
    sys::SYS_readlink,
    sys::SYS_select,
    sys::SYS_setrlimit,
    sys::SYS_stat,
    sys::SYS_time,
    sys::SYS_unlink,
    sys::SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[sys::c_long] = &[];

/// Calls that make a process, which have no thread's flag to look at or hide it in memory.
#[cfg(target_arch = "x86_64")]
const FORKS: &[sys::c_long] = &[sys::SYS_fork, sys::SYS_vfork, sys::SYS_clone3];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[sys::c_long] = &[sys::SYS_clone3];

pub(super) fn restrict() -> io::Result<()> {
    let needed = NEEDED.iter().chain(OLDER).map(|&call| (call, Vec::new()));
    install(needed.collect(), not_there(), SeccompAction::Allow)
}

/// No process of its own, no signal to others, no other limits, and no escape from its parent's end.
pub(super) fn restrict_further() -> io::Result<()> {
    let when = |argument, length, is, value| {
        SeccompCondition::new(argument, length, is, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .map(|rule| vec![rule])
            .map_err(io::Error::other)
    };
    let (word, double) = (Length::Qword, Length::Dword);
    let thread = sys::CLONE_THREAD as u64;
    let (this, end_signal) = (std::process::id().into(), sys::PR_SET_PDEATHSIG as u64);
    let mut refused: BTreeMap<_, _> = FORKS.iter().map(|&call| (call, Vec::new())).collect();
    refused.extend([
        (sys::SYS_clone, when(0, word, Is::MaskedEq(thread), 0)?),
        (sys::SYS_kill, when(0, double.clone(), Is::Ne, this)?),
        (sys::SYS_tkill, Vec::new()),
        (sys::SYS_tgkill, when(0, double.clone(), Is::Ne, this)?),
        (sys::SYS_prlimit64, when(2, Length::Qword, Is::Ne, 0)?),
        (sys::SYS_prctl, when(0, double, Is::Eq, end_signal)?),
    ]);
    #[cfg(target_arch = "x86_64")]
    refused.insert(sys::SYS_setrlimit, Vec::new());
    install(refused, SeccompAction::Allow, not_there())
}

fn not_there() -> SeccompAction {
    SeccompAction::Errno(sys::ENOSYS as u32)
}

fn install(
    calls: BTreeMap<sys::c_long, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> io::Result<()> {
    // No filters for other architectures in the library: no such wall there.
    let Ok(machine) = TargetArch::try_from(std::env::consts::ARCH) else {
        return Ok(());
    };
    let filter = SeccompFilter::new(calls, others, these, machine).map_err(io::Error::other)?;
    let program = BpfProgram::try_from(filter).map_err(io::Error::other)?;
    match seccompiler::apply_filter(&program) {
        // A kernel without filters says that the mode is invalid.
        Err(seccompiler::Error::Seccomp(error)) if error.raw_os_error() == Some(sys::EINVAL) => {
            Ok(())
        }
        other => other.map_err(io::Error::other),
    }
}
