// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Assignment} from "../objects/Assignment.sol";
import {SignedReceipt} from "./IEvidence.sol";
import {CaseStatus, Cause} from "./IFraudCourt.sol";

/// @notice Verifiers that saw one SIMD level of theirs give the claimed bytes of a leaf.
struct DivergenceVotes {
    uint8 level;
    /// Bit i: the verifier at position i of the assignment's round has signed.
    uint64 bitmap;
    /// Sum of the signatures, 128 bytes.
    bytes aggregateSignature;
}

/// @title Cases that wait for the resolver, and the breaker that stops an encoder
interface IContests {
    /// Only the court may do this.
    error NotTheCourt(address caller);
    /// Only the resolver may do this.
    error NotTheResolver(address caller, address resolver);
    /// Neither the accused nor its signer.
    error NotTheAccused(address caller, address operator);
    /// The case cannot be contested in this status.
    error NotOpen(bytes32 caseId, CaseStatus status);
    /// Accused contest within the window.
    error TooLate(bytes32 caseId, uint256 executableAt, uint256 current);
    /// The case is not contested.
    error NotContested(bytes32 caseId);
    /// The resolver has until round `from`.
    error ResolverHasTime(bytes32 caseId, uint64 from, uint64 current);
    /// Assignments must be of one encoder and one round, in ascending order of transcoder.
    error NotOneGroup(uint256 index);
    /// The breaker needs more operators or more stake than this.
    error BelowBreaker(uint256 operators, uint256 stake, uint256 total);
    /// None of the cases shown is open: there is nothing to contest.
    error NothingOpen();
    /// Divergences on this case's leaf have tripped the breaker before.
    error AlreadyTripped(bytes32 caseId);
    /// The case is about this leaf, not about the one that was shown.
    error AnotherLeaf(bytes32 caseId, bytes32 receiptHash, uint32 leafIndex);
    /// The accused itself has contested: it does not plead a plant besides.
    error OwnContest(bytes32 caseId);
    /// The encoder is not stopped.
    error NotStopped(bytes32 encoderId);
    /// Divergences of one verifier count once.
    error CountedTwice(uint64 bitmap);
    /// No divergence about this case holds anybody, or not any more.
    error NobodyHeld(bytes32 caseId);
    /// Who diverged is held until block `from`; 0: until the case is over.
    error StillHeld(bytes32 caseId, uint64 from, uint256 current);
    /// Nothing is owed to the account.
    error NothingOwed(address account);
    /// The court was not deployed to the address that it was promised, or knows another contract as this one.
    error WrongDeployment(address found, address expected);

    /// A case waits for the resolver; silence counts from `round` on. `by` put up the bond; zero if nobody did.
    event ContestBegun(bytes32 indexed caseId, Cause cause, address indexed by, uint64 round);
    /// The resolver has spoken.
    event Resolved(bytes32 indexed caseId, bool guilty);
    /// The resolver has not spoken in time.
    event Lapsed(bytes32 indexed caseId, Cause cause);
    /// Nobody assigns work to this encoder from round `round` until round `untilRound` is over.
    event EncoderStopped(bytes32 indexed encoderId, uint64 round, uint64 untilRound);
    /// The stake of the verifiers that diverged in a contested case waits for its end.
    event DivergersHeld(bytes32 indexed caseId, uint64 round, uint64 bitmap);
    /// It waits no longer.
    event DivergersFreed(bytes32 indexed caseId);
    /// Bonds that came back were paid out.
    event BondsWithdrawn(address indexed account, uint256 amount);

    /// @notice Contests an open case within its window: by the accused or its signer, who pays the bond. It burns if the
    ///         case is executed or absorbed in the end and comes back otherwise.
    function contest(bytes32 caseId) external;

    /// @notice Records that a case waits; the court's alone.
    function begin(bytes32 caseId, Cause cause) external;

    /// @notice Gives a case that the accused has contested another cause, by which silence annuls it; of others nothing changes.
    ///         The court's alone.
    function addCause(bytes32 caseId, Cause cause) external;

    /// @notice Records that a contested case has ended as planted, by whomever but the accused it was contested; the court's
    ///         alone.
    function forget(bytes32 caseId) external;

    /// @notice Decides a contested case: the resolver's alone.
    function resolve(bytes32 caseId, bool guilty) external;

    /// @notice Ends a contested case that the resolver was silent about: contested by the accused it is executed,
    ///         otherwise annulled. Anyone may call it.
    function lapse(bytes32 caseId) external;

    /// @notice Trips the breaker by wrong-encode cases against more than `breakerOperators` operators with more
    ///         than `breakerStakeBps` of the active stake, in one round and of one encoder. Open ones, at least one, are
    ///         contested, and the encoder is stopped unless it has run for less than `breakerRounds` since it was.
    /// @param assignments what the cases are about, in ascending order of transcoder
    function tripByCases(Assignment[] calldata assignments) external;

    /// @notice Trips the breaker by divergences of more than a third of the verifiers' weight on the leaf of an open or
    ///         contested case, once. If open, it is contested; the stake of those who diverged waits until it is over.
    ///         The encoder is stopped unless it has run for less than `breakerRounds` since it was.
    function tripByDivergence(
        SignedReceipt calldata signed,
        uint32 leafIndex,
        DivergenceVotes[] calldata votes
    ) external;

    /// @notice Frees the verifiers whose divergence the resolver refuted, a case window after it has spoken: until then
    ///         they can be accused of it. Anyone may call it. Otherwise they are free with the end of the case.
    function freeDivergers(bytes32 caseId) external;

    /// @notice Contests open wrong-encode cases about assignments of an encoder that is stopped. Anyone may call it.
    function contestStopped(Assignment[] calldata assignments) external;

    /// @notice Pays out what bonds came back to the caller.
    function withdraw() external returns (uint256 amount);

    /// @notice Why, since which round and by whom a case is or was contested last.
    function contestOf(bytes32 caseId) external view returns (Cause cause, uint64 round, address by);

    /// @notice Who has diverged on the case's leaf when the breaker tripped: positions in the round; zeros if it did not.
    function divergersOf(bytes32 caseId) external view returns (uint64 round, uint64 bitmap);

    /// @notice Whether the resolver found the accused guilty.
    function ruledGuilty(bytes32 caseId) external view returns (bool);

    /// @notice Last round in which the encoder is stopped; 0 if it never was.
    function stoppedUntil(bytes32 encoderId) external view returns (uint64);

    /// @notice What withdrawing would pay to the account.
    function owed(address account) external view returns (uint256);

    /// @notice The account that decides.
    function resolver() external view returns (address);
}
