//! Calls of the kernel: seccomp.

use std::collections::BTreeMap;
use std::io;

use libc as sys;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::Sockets;

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

/// What a socket is used with, once there is one.
const SOCKETS: &[sys::c_long] = &[
    sys::SYS_bind,
    sys::SYS_connect,
    sys::SYS_getpeername,
    sys::SYS_getsockname,
    sys::SYS_getsockopt,
    sys::SYS_setsockopt,
    sys::SYS_recvfrom,
    sys::SYS_recvmsg,
    sys::SYS_recvmmsg,
    sys::SYS_sendto,
    sys::SYS_sendmsg,
    sys::SYS_sendmmsg,
    sys::SYS_shutdown,
    // libsrt waits so
    sys::SYS_epoll_create1,
    sys::SYS_epoll_ctl,
    sys::SYS_epoll_pwait,
    sys::SYS_eventfd2,
];

/// Older forms of the same.
#[cfg(target_arch = "x86_64")]
const OLDER_SOCKETS: &[sys::c_long] =
    &[sys::SYS_epoll_create, sys::SYS_epoll_wait, sys::SYS_eventfd];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_SOCKETS: &[sys::c_long] = &[];

/// Ways to have the kernel send a signal to any process when a pipe has something: `fcntl`'s and `ioctl`'s.
const OWNERS: [sys::c_int; 3] = [sys::F_SETOWN, F_SETOWN_EX, F_SETSIG];
const OWNER_DEVICES: [sys::c_int; 2] = [FIOSETOWN, SIOCSPGRP];
// include/uapi/asm-generic/fcntl.h and sockios.h; the library does not have them for every C library.
const F_SETSIG: sys::c_int = 10;
const F_SETOWN_EX: sys::c_int = 15;
const FIOSETOWN: sys::c_int = 0x8901;
const SIOCSPGRP: sys::c_int = 0x8902;

/// Calls that make a process, which have no thread's flag to look at or hide it in memory.
#[cfg(target_arch = "x86_64")]
const FORKS: &[sys::c_long] = &[sys::SYS_fork, sys::SYS_vfork, sys::SYS_clone3];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[sys::c_long] = &[sys::SYS_clone3];

pub(super) fn restrict(sockets: Sockets) -> io::Result<()> {
    let always = |calls: &[sys::c_long]| calls.iter().map(|&call| (call, Vec::new())).collect();
    let mut needed: BTreeMap<_, _> = always(&[NEEDED, OLDER].concat());
    if sockets != Sockets::None {
        needed.extend(always(&[SOCKETS, OLDER_SOCKETS].concat()));
        needed.insert(sys::SYS_socket, of_the_internet(sockets)?);
    }
    install(needed, not_there(), SeccompAction::Allow)
}

/// The arguments of `socket` that are allowed: protocols that are a module of their own (SCTP, MPTCP, …) are not.
fn of_the_internet(sockets: Sockets) -> io::Result<Vec<SeccompRule>> {
    // Beside the type stand flags.
    const TYPE: u64 = 0xf;
    let (kind, protocol) = match sockets {
        Sockets::None => return Ok(Vec::new()),
        Sockets::Udp => (sys::SOCK_DGRAM, sys::IPPROTO_UDP),
        Sockets::Proxy(_) => (sys::SOCK_STREAM, sys::IPPROTO_TCP),
    };
    let mut rules = Vec::new();
    for family in [sys::AF_INET, sys::AF_INET6] {
        for protocol in [0, protocol] {
            rules.push(all(vec![
                is(0, Is::Eq, family)?,
                is(1, Is::MaskedEq(TYPE), kind)?,
                is(2, Is::Eq, protocol)?,
            ])?);
        }
    }
    Ok(rules)
}

/// A condition on an argument that the kernel takes for an `int`.
fn is(argument: u8, is: Is, value: sys::c_int) -> io::Result<SeccompCondition> {
    let value = u64::from(value.cast_unsigned());
    SeccompCondition::new(argument, Length::Dword, is, value).map_err(io::Error::other)
}

fn all(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions).map_err(io::Error::other)
}

/// One rule for each of an argument's values.
fn any(argument: u8, values: &[sys::c_int]) -> io::Result<Vec<SeccompRule>> {
    let rule = |&value| all(vec![is(argument, Is::Eq, value)?]);
    values.iter().map(rule).collect()
}

/// No process of its own, no signal to others, no other limits, and no escape from its parent's end.
pub(super) fn restrict_further() -> io::Result<()> {
    let word = |argument, is, value| {
        let condition = SeccompCondition::new(argument, Length::Qword, is, value);
        all(vec![condition.map_err(io::Error::other)?]).map(|rule| vec![rule])
    };
    let thread = sys::CLONE_THREAD as u64;
    let other = || all(vec![is(0, Is::Ne, std::process::id().cast_signed())?]);
    let mut refused: BTreeMap<_, _> = FORKS.iter().map(|&call| (call, Vec::new())).collect();
    refused.extend([
        (sys::SYS_clone, word(0, Is::MaskedEq(thread), 0)?),
        (sys::SYS_kill, vec![other()?]),
        (sys::SYS_tkill, Vec::new()),
        (sys::SYS_tgkill, vec![other()?]),
        (sys::SYS_fcntl, any(1, &OWNERS)?),
        (sys::SYS_ioctl, any(1, &OWNER_DEVICES)?),
        (sys::SYS_prlimit64, word(2, Is::Ne, 0)?),
        (sys::SYS_prctl, any(0, &[sys::PR_SET_PDEATHSIG])?),
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
