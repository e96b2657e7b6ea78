// Seeded randomness: one seed, one case, for ever.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
    for (let i = 0; i < 4; ++i) this.bits();
  }
  // 32 bits (splitmix32).
  bits() {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }
  below(limit) { return this.bits() % limit; }
  between(least, most) { return least + this.below(most - least + 1); }
  chance(percent) { return this.below(100) < percent; }
  pick(list) { return list[this.below(list.length)]; }
  some(list, least, most) {
    const rest = [...list];
    const taken = [];
    for (let wanted = this.between(least, Math.min(most, list.length)); wanted > 0 && rest.length > 0; --wanted)
      taken.push(rest.splice(this.below(rest.length), 1)[0]);
    return taken;
  }
  // One of [weight, value] pairs.
  weighted(pairs) {
    let at = this.below(pairs.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of pairs) {
      if (at < weight) return value;
      at -= weight;
    }
  }
}
