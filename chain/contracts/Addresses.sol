// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The contracts of one deployment, in the order in which one account creates them, and the only account
///         that the contracts name. Each constructor gets all of them, as the account's next nonces will give
///         them; so nothing is set afterwards, and `FraudCourt` checks at the end that the others point at each
///         other.
struct Addresses {
    /// LPT: the staked token.
    address token;
    /// Where jobs' seeds come from.
    address randomSource;
    /// Whose key acts for whom, and on which terms.
    address operators;
    /// Opens rounds.
    address rounds;
    /// Active sets, their snapshots, and who is jailed.
    address roster;
    /// ETH fees of operators and their delegators.
    address fees;
    /// Holds the stake.
    address bonding;
    /// BLS keys, and the verifiers of each round.
    address registry;
    /// Jobs.
    address jobs;
    /// What makes a signed object count against its signer.
    address evidence;
    /// `FraudCourt`: cases. The verifying contract of every EIP-712 signature.
    address court;
    /// Contested cases.
    address contests;
    /// Leaf openings, planted faults, finders' claims.
    address challenges;
    /// Deposits of broadcasters and payment tickets.
    address broker;
    /// `Minter`, or `FundedPool` on an existing token.
    address minter;
    /// Certified work.
    address work;
    /// The account that decides contested cases; no contract.
    address resolver;
}
