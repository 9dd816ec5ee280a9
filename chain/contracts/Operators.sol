// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IFeeLedger} from "./interfaces/IFeeLedger.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoundsManager} from "./interfaces/IRoundsManager.sol";
import {CutHistories} from "./libraries/CutHistories.sol";
import {SignerHistories, SignerHistory} from "./libraries/SignerHistories.sol";
import {Role} from "./objects/Role.sol";
import {Parameters} from "./Parameters.sol";

/// @title Signers and terms of operators
/// @notice The owner's account stays cold: it bonds, withdraws, and names the key that signs and pays gas. A stolen
///         signer can be revoked, moves no stake and takes no fees; what it has signed is still the operator's.
contract Operators is IOperators {
    using CutHistories for uint256;
    using SignerHistories for SignerHistory;

    /// @dev The last operator that a key consented to serve, and how often it has consented.
    struct Service {
        address operator;
        uint96 consents;
    }

    uint256 private constant BPS = 10_000;
    bytes32 private constant CONSENT_TYPE =
        keccak256("Consent(address operator,address signer,uint256 number)");
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// Says which round it is.
    IRoundsManager public immutable rounds;
    /// Says who bonds.
    IBondingManager public immutable bonding;
    /// Where operators are paid.
    IFeeLedger public immutable fees;
    /// The verifying contract of every EIP-712 signature of the network.
    address public immutable court;
    /// @inheritdoc IOperators
    uint64 public immutable memoryRounds;

    mapping(address operator => SignerHistory) private _signers;
    mapping(address signer => Service) private _services;
    mapping(Role => mapping(address operator => uint256 history)) private _cuts;
    mapping(address operator => uint64) private _prices;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        rounds = IRoundsManager(addresses.rounds);
        bonding = IBondingManager(addresses.bonding);
        fees = IFeeLedger(addresses.fees);
        court = addresses.court;
        // Openings are `roundLength` blocks apart or more, so that many blocks see at most one opening more than
        // they have room for; and one more round for what is signed at its very beginning.
        uint64 blocks = parameters.deadlineBlocks + parameters.evidenceWindow + parameters.caseWindow + 2
            * parameters.epochBlocks;
        memoryRounds = blocks / parameters.roundLength + 2;
    }

    /// @inheritdoc IOperators
    function authorise(address signer, bytes calldata consent) external {
        address served = claimedBy(msg.sender);
        if (served != address(0)) revert SignerTaken(msg.sender, served);
        if (signer == address(0) || signer == msg.sender || _isOperator(signer)) {
            revert SignerIsOperator(signer);
        }
        served = claimedBy(signer);
        if (served != address(0) && (served != msg.sender || _signers[served].newest(served) == signer)) {
            revert SignerTaken(signer, served);
        }
        (address found, ECDSA.RecoverError fault,) =
            ECDSA.tryRecoverCalldata(consentDigest(msg.sender, signer), consent);
        if (fault != ECDSA.RecoverError.NoError || found != signer) revert InvalidConsent(found, signer);
        _services[signer] = Service(msg.sender, _services[signer].consents + 1);
        _setSigner(signer);
    }

    /// @inheritdoc IOperators
    function revoke() external {
        if (_signers[msg.sender].newest(msg.sender) == msg.sender) revert NothingToRevoke(msg.sender);
        _setSigner(msg.sender);
    }

    /// @inheritdoc IOperators
    function setCuts(Role role, uint16 rewardCutBps, uint16 feeShareBps) external {
        if (rewardCutBps > BPS) revert ShareTooLarge(rewardCutBps, BPS);
        if (feeShareBps > BPS) revert ShareTooLarge(feeShareBps, BPS);
        uint64 fromRound = rounds.currentRound() + 1;
        _cuts[role][msg.sender] = _cuts[role][msg.sender].set(fromRound, rewardCutBps, feeShareBps);
        emit CutsSet(role, msg.sender, rewardCutBps, feeShareBps, fromRound);
    }

    /// @inheritdoc IOperators
    function setPrice(address operator, uint64 pricePerPixel) external {
        if (!mayAct(msg.sender, operator)) revert NotTheOperator(msg.sender, operator);
        // Who asks for payment has a place for it: the first one costs its sender no more than later ones.
        if (_prices[operator] == 0 && pricePerPixel != 0) fees.prepare(operator);
        _prices[operator] = pricePerPixel;
        emit PriceSet(operator, pricePerPixel, rounds.currentRound() + 1);
    }

    /// @inheritdoc IOperators
    function signerAt(address operator, uint64 round) public view returns (address) {
        return _signers[operator].signerIn(operator, round);
    }

    /// @inheritdoc IOperators
    function signersAt(address operator, address other, uint64 round)
        external
        view
        returns (address signer, address otherSigner)
    {
        return (signerAt(operator, round), signerAt(other, round));
    }

    /// @inheritdoc IOperators
    function operatorOf(address signer) external view returns (address) {
        address operator = _services[signer].operator;
        if (operator != address(0) && signerAt(operator, rounds.currentRound()) == signer) return operator;
        return signer;
    }

    /// @inheritdoc IOperators
    function claimedBy(address signer) public view returns (address operator) {
        operator = _services[signer].operator;
        if (operator == address(0)) return operator;
        if (
            _signers[operator].newest(operator) != signer
                && signerAt(operator, rounds.currentRound()) != signer
        ) return address(0);
    }

    /// @inheritdoc IOperators
    function mayAct(address caller, address operator) public view returns (bool) {
        return caller == operator || signerAt(operator, rounds.currentRound()) == caller;
    }

    /// @inheritdoc IOperators
    function cutsAt(Role role, address operator, uint64 round)
        external
        view
        returns (uint16 rewardCutBps, uint16 feeShareBps)
    {
        return _cuts[role][operator].inRound(round);
    }

    /// @inheritdoc IOperators
    function priceOf(address operator) external view returns (uint64) {
        return _prices[operator];
    }

    /// @inheritdoc IOperators
    function consentDigest(address operator, address signer) public view returns (bytes32) {
        bytes32 domain =
            keccak256(abi.encode(DOMAIN_TYPE, keccak256("Assay"), keccak256("1"), block.chainid, court));
        return MessageHashUtils.toTypedDataHash(
            domain, keccak256(abi.encode(CONSENT_TYPE, operator, signer, _services[signer].consents))
        );
    }

    /// @inheritdoc IOperators
    function consentsOf(address signer) external view returns (uint256) {
        return _services[signer].consents;
    }

    function _setSigner(address signer) private {
        uint64 present = rounds.currentRound();
        uint64 free = _signers[msg.sender].set(signer, present, memoryRounds);
        if (free != 0) revert TooManyChanges(msg.sender, free);
        emit SignerSet(msg.sender, signer, present + 1);
    }

    /// @dev Who bonds, or has a signer of its own.
    function _isOperator(address account) private view returns (bool) {
        SignerHistory storage own = _signers[account];
        return own.newest(account) != account || own.signerIn(account, rounds.currentRound()) != account
            || bonding.ownStakeOf(Role.Transcoder, account) != 0
            || bonding.ownStakeOf(Role.Verifier, account) != 0;
    }
}
