// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What an operator stakes for. Each role has its own pool; no stake counts twice.
enum Role {
    Transcoder,
    Verifier
}
