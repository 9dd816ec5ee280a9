// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Assignment} from "../objects/Assignment.sol";
import {Leaf} from "../objects/Leaf.sol";
import {Receipt} from "../objects/Receipt.sol";
import {Verdict} from "../objects/Verdict.sol";

/// @notice What an operator did.
enum FaultKind {
    /// A quorum of verifiers recomputed another output for a leaf.
    WrongEncode,
    /// A leaf is not the one that its place in the tree or the source's frames call for.
    LeafFault,
    /// A transcoder signed two receipts for one assignment.
    Equivocation,
    /// A verifier signed two verdicts for one leaf.
    VerifierEquivocation
}

/// @notice Where a case stands.
enum CaseStatus {
    None,
    Open,
    Executed
}

/// @notice A receipt with everything that ties it to a job: what every accusation of a transcoder needs.
struct SignedReceipt {
    Assignment assignment;
    /// 65 bytes over the assignment's digest.
    bytes broadcasterSignature;
    Receipt receipt;
    /// 65 bytes over the receipt's digest.
    bytes transcoderSignature;
}

/// @notice A leaf with its way to the receipt's output root.
struct LeafProof {
    Leaf leaf;
    uint32 leafIndex;
    /// Siblings from the bottom up.
    bytes32[] path;
}

/// @notice The verdict of a quorum on one leaf.
struct QuorumVerdict {
    bytes32 recomputedHash;
    /// Bit i: the verifier at position i of the assignment's round has signed.
    uint64 bitmap;
    /// Sum of the signatures, 128 bytes.
    bytes aggregateSignature;
}

/// @notice The chunk's true frames root with its way to the assignment's.
struct FramesProof {
    /// The job's profiles, as emitted when it was created.
    bytes profiles;
    bytes32 chunkRoot;
    /// Siblings from the bottom up.
    bytes32[] path;
}

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
}

/// @title Opens cases on proven faults and executes them
/// @notice A case's id is `keccak256(abi.encode(kind, subject...))`: the receipt's hash for a wrong encode or a
///         leaf fault, the assignment's for two receipts, verifier, receipt's hash and leaf index for two
///         verdicts. So each fault has one case, and who looks for it knows its id.
interface IFraudCourt {
    /// The signature is the account `found`'s (zero: none at all).
    error WrongSigner(address found, address expected);
    /// The assignment names other profiles than its job.
    error WrongProfiles(bytes32 found, bytes32 expected);
    /// The receipt answers another assignment.
    error WrongAssignment(bytes32 found, bytes32 expected);
    /// `round` was not the last one opened at the block of the assignment's signing.
    error WrongRound(uint64 round, uint256 signedBlock);
    /// The assignment's deadline lies more than D blocks ahead, or before block D.
    error WrongDeadline(uint64 deadlineBlock, uint256 current);
    /// Faults of this assignment were accepted until block `until`.
    error EvidenceTooLate(uint256 until, uint256 current);
    /// The leaf's path leads to another root.
    error WrongOutputRoot(bytes32 found, bytes32 expected);
    /// The chunk root's path leads to another root.
    error WrongFramesRoot(bytes32 found, bytes32 expected);
    /// The assignment's number of leaves is not what its profiles and frames give.
    error WrongLeafCount(uint256 found, uint256 expected);
    /// The recomputed hash is the leaf's: the work is correct.
    error OutputIsCorrect(bytes32 outputHash);
    /// The leaf is the right one.
    error LeafIsCorrect(uint32 leafIndex);
    /// Signers need two thirds of the weight.
    error QuorumMissed(uint256 signed, uint256 total);
    /// The pairing check fails.
    error InvalidAggregate();
    /// Both objects are one, or about different things.
    error NoEquivocation();
    /// The fault has its case.
    error AlreadyProven(bytes32 caseId);
    /// A case opened at `openedBlock` covers all wrong encodes assigned in the D blocks before it.
    error AbsorbedByBurst(address operator, uint64 openedBlock);
    /// No such case.
    error UnknownCase(bytes32 caseId);
    /// The case is not open (1) or not executed (2), as the call needs.
    error WrongStatus(bytes32 caseId, CaseStatus found, CaseStatus expected);
    /// The window is not over.
    error WindowOpen(bytes32 caseId, uint256 executableAt);
    /// The verifier at this position did not sign.
    error NotASigner(bytes32 caseId, uint256 position);
    /// The position was paid.
    error AlreadyPaid(bytes32 caseId, uint256 position);
    /// The signer's own pool is frozen; it is paid after its case.
    error SignerFrozen(address verifier);
    /// The contracts were not deployed to the addresses they were promised.
    error WrongDeployment(address found, address expected);

    /// A fault is proven and the operator frozen. For two receipts `receiptHash` is the first one's, for
    /// kinds without signers `bitmap` is 0.
    event CaseOpened(
        bytes32 indexed caseId,
        FaultKind kind,
        address indexed operator,
        bytes32 indexed receiptHash,
        uint32 leafIndex,
        uint64 bitmap,
        uint256 openedBlock,
        uint256 executableAt
    );
    /// The operator is slashed; amounts in base units. What is neither burned nor the signers' does not exist.
    event CaseExecuted(
        bytes32 indexed caseId,
        address indexed operator,
        uint256 slashed,
        uint256 burned,
        uint256 signersReward
    );
    /// A signer has its part.
    event SignerPaid(bytes32 indexed caseId, address indexed verifier, uint256 amount);

    /// @notice Proves a wrong encode and freezes the transcoder (docs/protocol.md, section 7).
    function prove(SignedReceipt calldata signed, LeafProof calldata proof, QuorumVerdict calldata verdict)
        external
        returns (bytes32 caseId);

    /// @notice Proves that a leaf says another rendition or chunk than its place, or frames that are not the
    ///         source's. Needs no quorum; one case for a receipt.
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
    /// @param signature 128 bytes over `verdict`'s digest
    /// @param otherSignature 128 bytes over `other`'s digest
    function verifierEquivocation(
        address verifier,
        Verdict calldata verdict,
        bytes calldata signature,
        Verdict calldata other,
        bytes calldata otherSignature
    ) external returns (bytes32 caseId);

    /// @notice Slashes after the case window. Anyone may call it.
    function execute(bytes32 caseId) external;

    /// @notice Pays the signer at a position of the round's snapshot, once. Anyone may call it.
    function claimSigner(bytes32 caseId, uint256 position) external returns (uint256 amount);

    /// @notice State of a case; status None if there is none.
    function caseOf(bytes32 caseId) external view returns (CaseState memory);

    /// @notice Id of the case that a wrong encode or leaf fault in this receipt has or would have.
    function receiptCaseId(FaultKind kind, bytes32 receiptHash) external pure returns (bytes32);

    /// @notice Block in which a case opened that covers wrong encodes assigned in block `signedBlock`; 0 if none.
    function burstAt(address operator, uint256 signedBlock) external view returns (uint64 openedBlock);

    /// @notice Part that would be cut for this kind of fault if executed in the present round, in 1/10,000.
    function penaltyOf(FaultKind kind, address operator) external view returns (uint256 bps);

    /// @notice EIP-712 digest of an assignment: its hash.
    function hashAssignment(Assignment calldata assignment) external view returns (bytes32);

    /// @notice EIP-712 digest of a receipt: its hash.
    function hashReceipt(Receipt calldata receipt) external view returns (bytes32);

    /// @notice EIP-712 digest of a verdict: what verifiers sign.
    function hashVerdict(Verdict calldata verdict) external view returns (bytes32);
}
