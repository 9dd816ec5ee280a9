// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {BondingManager} from "../BondingManager.sol";
import {Challenges} from "../Challenges.sol";
import {Contests} from "../Contests.sol";
import {Evidence} from "../Evidence.sol";
import {FeeLedger} from "../FeeLedger.sol";
import {FixedRandomSource} from "../FixedRandomSource.sol";
import {FraudCourt} from "../FraudCourt.sol";
import {JobRegistry} from "../JobRegistry.sol";
import {LivepeerToken} from "../LivepeerToken.sol";
import {Minter} from "../Minter.sol";
import {Operators} from "../Operators.sol";
import {Role} from "../objects/Role.sol";
import {Parameters} from "../Parameters.sol";
import {Roster} from "../Roster.sol";
import {RoundsManager} from "../RoundsManager.sol";
import {TicketBroker} from "../TicketBroker.sol";
import {VerifierRegistry} from "../VerifierRegistry.sol";
import {WorkLedger} from "../WorkLedger.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {TestBase} from "./TestBase.sol";

/// @title A whole deployment, at predicted addresses as in production, with funded accounts
abstract contract Network is TestBase {
    using BlsSigner for uint256;

    uint256 internal constant LPT = 1e18;
    uint256 internal constant SUPPLY = 1_000_000_000 * LPT;
    bytes32 internal constant SEED = keccak256("seed");
    address internal constant RESOLVER = address(0x4E501E);

    Addresses internal addresses;

    LivepeerToken internal token;
    FixedRandomSource internal random;
    Operators internal operators;
    RoundsManager internal rounds;
    Roster internal roster;
    FeeLedger internal fees;
    BondingManager internal bonding;
    VerifierRegistry internal registry;
    JobRegistry internal jobs;
    Evidence internal evidence;
    FraudCourt internal court;
    Contests internal contests;
    Challenges internal challenges;
    TicketBroker internal broker;
    Minter internal minter;
    WorkLedger internal work;

    /// The demo's numbers; tests that need others change them.
    function parameters() internal pure virtual returns (Parameters memory p) {
        p.roundLength = 8;
        p.epochBlocks = 5;
        p.deadlineBlocks = 12;
        p.evidenceWindow = 20;
        p.caseWindow = 3;
        p.unbondingRounds = 3;
        p.seedDelayBlocks = 2;
        p.maxTranscoders = 100;
        p.maxVerifiers = 64;
        p.delegationFactor = 10;
        p.minimumOwnBond = 10 * LPT;
        p.repeatRounds = 30;
        p.wrongEncodeBps = 1000;
        p.equivocationBps = 5000;
        p.falsePassBps = 1000;
        p.falseAccusationBps = 100;
        p.earlyTicketBps = 1000;
        p.divergenceBps = 1000;
        p.finderBps = 1000;
        p.signersBps = 2000;
        p.checksPerLeafPpm = 2_000_000;
        p.contestBond = 10 * LPT;
        p.resolverRounds = 7;
        p.capRounds = 30;
        p.breakerOperators = 3;
        p.breakerStakeBps = 10_000;
        p.breakerRounds = 2;
        p.challengeBond = LPT;
        p.challengeBlocks = 8;
        p.plantBond = LPT;
        p.burnedFeeBps = 500;
        p.unlockRounds = 15;
        p.targetBondingBps = 5000;
        p.inflationPpb = 218_500;
        p.inflationStepPpb = 500;
        p.transcodersMintBps = 9000;
        p.claimSlackBps = 1000;
        p.fullMintPixels = 10_000_000;
        p.certifyBlocks = 24;
        p.claimBlocks = 80;
    }

    /// @dev In the order of `Addresses`.
    function deploy() internal {
        vm.roll(1000);
        Parameters memory p = parameters();
        Addresses memory a = nextAddresses();
        addresses = a;
        token = LivepeerToken(create("LivepeerToken", abi.encode(address(this), SUPPLY, a.minter)));
        random = FixedRandomSource(create("FixedRandomSource", abi.encode(SEED)));
        operators = Operators(create("Operators", abi.encode(p, a)));
        rounds = RoundsManager(create("RoundsManager", abi.encode(p, a)));
        roster = Roster(create("Roster", abi.encode(p, a)));
        fees = FeeLedger(create("FeeLedger", abi.encode(p, a)));
        bonding = BondingManager(create("BondingManager", abi.encode(p, a)));
        registry = VerifierRegistry(create("VerifierRegistry", abi.encode(p, a)));
        jobs = JobRegistry(create("JobRegistry", abi.encode(p, a)));
        evidence = Evidence(create("Evidence", abi.encode(p, a)));
        court = FraudCourt(create("FraudCourt", abi.encode(p, a)));
        contests = Contests(create("Contests", abi.encode(p, a)));
        challenges = Challenges(create("Challenges", abi.encode(p, a)));
        broker = TicketBroker(create("TicketBroker", abi.encode(p, a)));
        minter = Minter(create("Minter", abi.encode(p, a)));
        work = WorkLedger(create("WorkLedger", abi.encode(p, a)));
    }

    /// @dev Address of a contract that this account creates after `place` others.
    /// @dev The next 16 contracts that this account creates, in the order of `Addresses`.
    function nextAddresses() internal view returns (Addresses memory a) {
        a.token = _next(0);
        a.randomSource = _next(1);
        a.operators = _next(2);
        a.rounds = _next(3);
        a.roster = _next(4);
        a.fees = _next(5);
        a.bonding = _next(6);
        a.registry = _next(7);
        a.jobs = _next(8);
        a.evidence = _next(9);
        a.court = _next(10);
        a.contests = _next(11);
        a.challenges = _next(12);
        a.broker = _next(13);
        a.minter = _next(14);
        a.work = _next(15);
        a.resolver = RESOLVER;
    }

    function _next(uint256 place) private view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + place);
    }

    /// @dev Gives the account tokens that the bonding manager may take.
    function fund(address account, uint256 amount) internal {
        token.transfer(account, amount);
        vm.prank(account);
        token.approve(address(bonding), type(uint256).max);
    }

    function bond(Role role, address operator, uint256 amount) internal {
        fund(operator, amount);
        vm.prank(operator);
        bonding.bond(role, amount);
    }

    function delegate(Role role, address operator, address delegator, uint256 amount) internal {
        fund(delegator, amount);
        vm.prank(delegator);
        bonding.delegate(role, operator, amount);
    }

    /// @dev Lets a key act for the operator from the next round on.
    function authorise(address operator, uint256 signerSecret) internal {
        address signer = vm.addr(signerSecret);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signerSecret, operators.consentDigest(operator, signer));
        vm.prank(operator);
        operators.authorise(signer, abi.encodePacked(r, s, v));
    }

    /// @dev As the minter does it.
    function reward(Role role, address operator, uint256 amount) internal {
        token.transfer(address(bonding), amount);
        uint64 round = rounds.currentRound();
        vm.prank(addresses.minter);
        bonding.reward(round, role, operator, amount);
    }

    function register(address operator, uint256 secret) internal {
        bytes memory key = secret.key();
        bytes memory possession = secret.prove(registry.possessionMessage(key, operator));
        vm.prank(operator);
        registry.register(operator, key, possession);
    }

    function openRound() internal returns (uint64) {
        if (block.number < rounds.openableAt()) vm.roll(rounds.openableAt());
        return rounds.openRound();
    }
}
