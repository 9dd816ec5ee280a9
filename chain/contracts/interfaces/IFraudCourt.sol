// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Assignment} from "../objects/Assignment.sol";
import {CaseStatus, Cause, FaultKind} from "../objects/Fault.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Verdict} from "../objects/Verdict.sol";
import {ICourt} from "./ICourt.sol";
import {FramesProof, IEvidenceErrors, LeafProof, QuorumVerdict, SignedReceipt} from "./IEvidence.sol";

/// @notice State of a case.
struct CaseState {
    address operator;
    FaultKind kind;
    CaseStatus status;
    /// Round whose verifiers signed.
    uint64 round;
    uint64 openedBlock;
    /// First block in which the case may be executed.
    uint64 executableAt;
    uint32 leafIndex;
    uint64 bitmap;
    /// Positions that were paid.
    uint64 claimed;
    /// What the signers share, in base units; set by the execution.
    uint256 signersReward;
    /// The finder's part, in base units; set by the execution.
    uint256 finderReward;
    /// Whether the finder's part was paid or burned.
    bool finderPaid;
    /// The receipt of a wrong encode; the case that a false pass or accusation is held against.
    bytes32 subject;
}

/// @notice A fault that was checked, as its case begins.
struct Opening {
    FaultKind kind;
    bytes32 caseId;
    address operator;
    /// For the event: the receipt that the fault is about; zero if none.
    bytes32 receiptHash;
    /// What the case rests on, see `CaseState`.
    bytes32 subject;
    uint32 leafIndex;
    /// Block in which the accused work was signed, or a withheld leaf demanded; 0 where neither matters.
    uint64 signedBlock;
    /// Whose verifiers signed; zeros if nobody's word is needed.
    uint64 round;
    uint64 bitmap;
}

/// @title Opens cases on proven faults and executes them
/// @notice A case's id is `keccak256(abi.encode(kind, subject...))`: the assignment's hash for a transcoder's
///         fault; the verifier and the receipt's hash and leaf index, or the epoch, for a verifier's. So each
///         fault has one case, and who looks for it knows its id.
interface IFraudCourt is ICourt, IEvidenceErrors {
    /// The fault has its case.
    error AlreadyProven(bytes32 caseId);
    /// No such case.
    error UnknownCase(bytes32 caseId);
    /// The case is not in the status that the call needs.
    error WrongStatus(bytes32 caseId, CaseStatus found, CaseStatus expected);
    /// The window is not over.
    error WindowOpen(bytes32 caseId, uint256 executableAt);
    /// The window is over.
    error WindowClosed(bytes32 caseId, uint256 executableAt);
    /// The case rests on another one, which is not final.
    error SubjectNotFinal(bytes32 caseId, bytes32 subject);
    /// The verifier at this position did not sign.
    error NotASigner(bytes32 caseId, uint256 position);
    /// The position, or the finder, was paid.
    error AlreadyPaid(bytes32 caseId, uint256 position);
    /// The signer's own pool is frozen; it is paid after its case.
    error SignerFrozen(address verifier);
    /// The contracts were not deployed to the addresses they were promised.
    error WrongDeployment(address found, address expected);
    /// Only the contract at `expected` may do this.
    error NotAllowed(address caller, address expected);

    /// A fault is proven and the operator frozen; the case may be executed `caseWindow` blocks later. For two
    /// receipts `receiptHash` is the first one's, for kinds without signers `bitmap` is 0.
    event CaseOpened(
        bytes32 indexed caseId,
        FaultKind kind,
        address indexed operator,
        bytes32 indexed receiptHash,
        uint32 leafIndex,
        uint64 bitmap
    );
    /// Whoever signed besides has joined the signers of a case that is open or contested by the accused. They are now
    /// these.
    event SignersJoined(bytes32 indexed caseId, uint64 bitmap);
    /// The operator is slashed; amounts in base units. What is neither burned nor the signers' is the finder's.
    event CaseExecuted(
        bytes32 indexed caseId,
        address indexed operator,
        uint256 slashed,
        uint256 burned,
        uint256 signersReward
    );
    /// The case waits for the resolver; the operator stays frozen.
    event CaseContested(bytes32 indexed caseId, address indexed operator, Cause cause);
    /// The case ended without a slash. `status` is Acquitted, Annulled, Absorbed or Spared.
    event CaseClosed(bytes32 indexed caseId, address indexed operator, CaseStatus status);
    /// A signer has its part.
    event SignerPaid(bytes32 indexed caseId, address indexed verifier, uint256 amount);
    /// The finder has its part, or nobody claimed it and it burned (`finder` zero).
    event FinderPaid(bytes32 indexed caseId, address indexed finder, uint256 amount);
    /// A broadcaster signed two assignments for one attempt; `burned` wei of its reserve are gone.
    event BroadcasterEquivocated(
        address indexed broadcaster, uint256 indexed jobId, uint32 seq, uint8 attempt, uint256 burned
    );

    /// @notice Proves a wrong encode and freezes the transcoder (docs/protocol.md, section 7). If an executed
    ///         case covers it, it is one fault with that one: recorded, so that nobody pays for the work. A proof of
    ///         the case's leaf by all of its signers and more takes the place of theirs, while the case is open or the
    ///         accused contests it.
    function prove(SignedReceipt calldata signed, LeafProof calldata proof, QuorumVerdict calldata verdict)
        external
        returns (bytes32 caseId);

    /// @notice Proves that a leaf says another rendition or chunk than its place, or frames that are not the
    ///         source's. Needs no quorum; one case for an assignment.
    function leafFault(SignedReceipt calldata signed, LeafProof calldata proof, FramesProof calldata frames)
        external
        returns (bytes32 caseId);

    /// @notice Proves two receipts for one assignment.
    function equivocation(
        SignedReceipt calldata signed,
        Receipt calldata other,
        bytes calldata otherSignature
    ) external returns (bytes32 caseId);

    /// @notice Proves two verdicts of one verifier for one leaf.
    /// @param otherHash what the other verdict says was recomputed
    /// @param aggregate 128 bytes: the sum of the signatures over both verdicts' digests, which only who signed both
    ///        can make, because the digests differ
    function verifierEquivocation(
        address verifier,
        Verdict calldata verdict,
        bytes32 otherHash,
        bytes calldata aggregate
    ) external returns (bytes32 caseId);

    /// @notice Proves two assignments of one broadcaster for one attempt at a segment; costs its reserve. No pair of
    ///         assignments that were both shown before costs it again.
    function broadcasterEquivocation(
        Assignment calldata assignment,
        bytes calldata signature,
        Assignment calldata other,
        bytes calldata otherSignature
    ) external returns (address broadcaster);

    /// @notice Slashes after the case window. Anyone may call it. A case that is absorbed, beyond the cap, or
    ///         without what it rests on ends, or waits for the resolver, instead.
    function execute(bytes32 caseId) external;

    /// @notice Pays the signer at a position of the round's snapshot, once. Anyone may call it.
    function claimSigner(bytes32 caseId, uint256 position) external returns (uint256 amount);

    /// @notice Opens a case; for the contract of challenges alone, which has checked the fault.
    function open(Opening calldata opening) external;

    /// @notice Ends a wrong-encode case in its window, or bars one, because the leaf was planted; for the
    ///         contract of challenges alone. Also one that somebody else than the accused has contested.
    function spare(bytes32 assignmentHash, address operator, bytes32 receiptHash, uint32 leafIndex) external;

    /// @notice Pays the finder's part of an executed case, or burns it for the zero account; for the contract of
    ///         challenges alone.
    function payFinder(bytes32 caseId, address finder) external returns (uint256 amount);

    /// @notice Makes an open case wait for the resolver, or gives one that the accused has contested this cause; for the contracts
    ///         of contests and challenges alone.
    function contest(bytes32 caseId, Cause cause) external;

    /// @notice Ends a contested case; for the contract of contests alone.
    /// @param ruling Executed, Acquitted or Annulled
    /// @param ruled whether the resolver said so; without it the cap on quorums holds
    function conclude(bytes32 caseId, CaseStatus ruling, bool ruled) external;

    /// @notice State of a case; status None if there is none.
    function caseOf(bytes32 caseId) external view returns (CaseState memory);

    /// @notice The accused and where the case stands: what others ask most.
    function statusOf(bytes32 caseId)
        external
        view
        returns (address operator, FaultKind kind, CaseStatus status, uint256 executableAt);

    /// @notice Id of the case that a transcoder's fault of this kind in this assignment has or would have.
    function caseIdOf(FaultKind kind, bytes32 assignmentHash) external pure returns (bytes32);

    /// @notice Id of the case that a verifier's fault of this kind has or would have.
    function verifierCaseId(FaultKind kind, address verifier, bytes32 receiptHash, uint32 leafIndex)
        external
        pure
        returns (bytes32);

    /// @notice Block in which a case opened that was executed and covers wrong encodes assigned in block
    ///         `signedBlock`; 0 if none.
    function burstAt(address operator, uint256 signedBlock) external view returns (uint64 openedBlock);

    /// @notice Part that would be cut for this kind of fault if executed in the present round, in 1/10,000.
    function penaltyOf(FaultKind kind, address operator) external view returns (uint256 bps);

    /// @notice Finder's part of the own cut for this kind of fault, in 1/10,000.
    function finderBpsOf(FaultKind kind) external view returns (uint256 bps);

    /// @notice The contract of contests.
    function contests() external view returns (address);

    /// @notice The contract of challenges.
    function challenges() external view returns (address);

    /// @notice Blocks from a case's opening to its earliest execution.
    function caseWindow() external view returns (uint64);

    /// @notice What quorums have slashed within the rounds that the cap looks at; base units.
    function quorumSlashes() external view returns (uint256);
}
