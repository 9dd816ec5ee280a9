// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Who is there, asked on chain when too few were to certify a round
/// @notice Verifiers are jailed for absence by their round's certificate, which needs two thirds of them; with more
///         than a third gone there is none, and nobody would ever be jailed. Then the present ones have themselves
///         counted here: whoever does not answer leaves, but no more than it takes, and not many at once.
interface IRollCalls {
    /// Round `round` has its list, or may still get it until block `until`.
    error NotFailed(uint64 round, uint256 until);
    /// Round `round` was opened in block `openedAt`, before those were jailed who did not answer the last roll, in block
    /// `closedAt`: it says nothing about the rest.
    error RollTooSoon(uint64 round, uint256 openedAt, uint256 closedAt);
    /// The roll of round `round` is answered until block `until` and closed after it.
    error RollOpen(uint64 round, uint256 until);
    /// No roll is being called; the last one was answered until block `until`.
    error NoRoll(uint256 until);
    /// The caller does not act for the verifier at this position, which is `verifier`.
    error NotTheVerifier(address caller, address verifier);
    /// It is known to be there.
    error AlreadyAnswered(uint64 round, uint256 position);

    /// Because of a round without a certificate the verifiers of `round` are asked to answer until block `until`.
    event RollCalled(uint64 indexed round, uint64 failed, uint64 until);
    /// The verifier at this position of the round's is there.
    event RollAnswered(uint64 indexed round, uint256 position);
    /// The roll is over. Positions, as bits: who was there, and of those who were not, who was jailed.
    event RollClosed(uint64 indexed round, uint64 answered, uint64 jailed);

    /// @notice Calls the roll of the present round's verifiers because round `failed` got no certificate in its window. A
    ///         verifier's alone, whose answer it is at the same time.
    /// @param position the caller's, among the verifiers of the present round
    function callRoll(uint64 failed, uint256 position) external;

    /// @notice Answers the roll.
    /// @param position the caller's, among the verifiers of the roll's round
    function answerRoll(uint256 position) external;

    /// @notice Ends the roll once its time is over, and jails some of those who were silent. Anyone may call it.
    function closeRoll() external;

    /// @notice The last roll: its round, the last block for answers, who has answered, and the block in which it was
    ///         closed, 0 before; zeros if there was none.
    function roll() external view returns (uint64 round, uint64 until, uint64 answered, uint64 closedAt);
}
