/* The protocol of remote frees: src/orphans.h, src/rescue.h and "Atomics" in src/ARCHITECTURE.md.
 *
 * One slab with two slots, both in the program's hands. Two threads free one slot each; the owner
 * takes in what they freed, claims free slots, hands them out and frees them; a fourth thread looks
 * through the owner's inbox and purges the slab if it is wholly freed. test_model.sh has spin try
 * all orders, for slots in one word and in two.
 *
 * Proven: a slab is in the inbox at most once; no slot is purged while the program has it; when all
 * have finished, the owner's next look at its inbox finds all that was freed.
 *
 * The owner's stores of the place and of the count, when it claims, lie in a store buffer until they
 * are flushed, in their order: at any moment, or by a barrier. What is sequentially consistent there
 * has an order here.
 *
 * Each of the mutants leaves one rule out, and spin must find out:
 *   MUTANT_BARRIER   no barrier between finding the slab posted and looking where it is
 *   MUTANT_DRAINS    looking through an inbox whose owner is taking in
 *   MUTANT_SUMMARY   the summary is looked at before the word's bit is set
 *   MUTANT_UNPOST    the posted bit is cleared after the folding
 */
#define WORD(slot) ((slot) % words)
#define BIT(slot)  (1 << (slot))
#define COUNT(set) (((set) & 1) + ((set) >> 1 & 1))

mtype = { FULL, AVAILABLE, CURRENT };

byte words;               /* that the two slots lie in: 1 or 2 */

/* What all threads see. */
byte live = 3;            /* a bit for each slot */
byte used = 2;
mtype place = FULL;
byte word[2];             /* remote words */
byte summary;             /* a bit for each word */
bool posted;
byte inbox;               /* how often the slab is in it */
bool rescued;             /* in the other list */
bool drains;
bool locked;
byte finished;            /* freers and the rescuer */

/* What only the proof knows: slots that the program has, and that nobody may purge. */
byte held = 3;

/* The owner's store buffer. */
bool place_waits;
byte used_waits;

inline flush() {
    if
    :: place_waits -> place = CURRENT; place_waits = false
    :: else
    fi;
    used = used + used_waits;
    used_waits = 0
}

/* The processor flushes when it likes, one store after the other. */
active proctype buffer() {
end:
    do
    :: d_step { place_waits -> place = CURRENT; place_waits = false }
    :: d_step { !place_waits && used_waits > 0 -> used = used + used_waits; used_waits = 0 }
    od
}

inline acquire() { d_step { !locked -> locked = true } }
inline release() { locked = false }

proctype freer(byte slot) {
    byte before;
    held = held & ~BIT(slot);
#ifdef MUTANT_SUMMARY
    before = summary;
    word[WORD(slot)] = word[WORD(slot)] | BIT(slot);
#else
    word[WORD(slot)] = word[WORD(slot)] | BIT(slot);
    before = summary;
#endif
    if
    :: !(before & BIT(WORD(slot))) ->
        d_step { before = summary; summary = before | BIT(WORD(slot)) }
        if
        :: before == 0 ->
            d_step { before = posted; posted = true }
            if
            :: before == 0 -> d_step { inbox++; assert(inbox == 1 && !rescued) }
            :: else
            fi
        :: else
        fi
    :: else
    fi;
    finished++
}

/* Somebody who needs memory: rescue.c, look_through(). */
proctype rescuer() {
    bool drained;
    bool had;
    byte counts;
    byte freed;
    mtype before;
    acquire();
    d_step { had = inbox > 0; inbox = 0 }
    drained = drains;
#ifdef MUTANT_DRAINS
    drained = false;
#endif
    if
    :: had ->
#ifndef MUTANT_BARRIER
        d_step { flush() }
#endif
        before = place;
        counts = used;
        freed = word[0];
        freed = freed | word[1];
        if
        :: !drained && before != CURRENT && live == freed && counts == COUNT(freed) &&
           counts > 0 ->
            if
            :: used == counts && place == before ->
                assert(held == 0);  /* here it is purged */
                rescued = true;
                assert(held == 0)
            :: else -> d_step { inbox++; assert(inbox == 1) }
            fi
        :: else -> d_step { inbox++; assert(inbox == 1) }
        fi
    :: else
    fi;
    release();
    finished++
}

byte taken;

inline fold_word(number) {
    if
    :: taken & BIT(number) ->
        d_step { freed = word[number]; word[number] = 0 }
        assert((freed & ~live) == 0);
        live = live & ~freed;
        used = used - COUNT(freed)
    :: else
    fi
}

inline take_slot() {
    d_step { slot = (live & 1 -> 1 : 0) }
    used_waits = used_waits + 1;
    held = held | BIT(slot);
    live = live | BIT(slot);
    mine = mine | BIT(slot)
}

inline drain() {
    drains = true;
    d_step { flush(); had = inbox > 0; inbox = 0 }
    if
    :: had ->
#ifndef MUTANT_UNPOST
        posted = false;
#endif
        d_step { taken = summary; summary = 0 }
        fold_word(0);
        fold_word(1);
#ifdef MUTANT_UNPOST
        posted = false;
#endif
        if
        :: place == FULL && used < 2 -> place = AVAILABLE
        :: place == FULL && used < 2 -> place = CURRENT; take_slot() /* places.c, replace_current() */
        :: else
        fi
    :: else
    fi;
    drains = false
}

/* heap.c, next_slab() and after it. */
inline claim() {
    place_waits = true;
    if
    :: posted -> acquire(); d_step { flush() }; release()
    :: else
    fi;
    take_slot()
}

/* free() by the owner: the count comes last. */
inline give() {
    d_step { slot = (mine & 1 -> 0 : 1); mine = mine & ~BIT(slot); held = held & ~BIT(slot) }
    live = live & ~BIT(slot);
    d_step { flush(); used-- }
}

active proctype owner() {
    byte steps;
    byte slot;
    byte freed;
    byte mine;
    bool had;
    if
    :: words = 1
    :: words = 2
    fi;
    run freer(0);
    run freer(1);
    run rescuer();
    do
    :: steps < 4 -> steps++;
        if
        :: drain()
        :: place == AVAILABLE && !place_waits && live != 3 -> claim()
        :: mine != 0 -> give()
        fi
    :: steps >= 1 -> break
    od;
    finished == 3;
    /* What was rescued goes back into the inbox, under the lock. */
    acquire();
    if
    :: rescued -> rescued = false; d_step { inbox++; assert(inbox == 1) }
    :: else
    fi;
    release();
    drain();
    d_step { flush() }
    assert(word[0] == 0 && word[1] == 0 && live == mine && used == COUNT(mine))
}
