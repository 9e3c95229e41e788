/**
 * Shapes, drawn.
 */
import React, { useState as state } from "react";
import * as path from 'path';
const fs = require("fs");
export { helper } from "./helper.js";

// How many at most.
const MAX_SHAPES = 10;
let current = null;

/** A shape. */
export class Shape extends base.Figure {
  #secret = 1;
  static count = 0;

  constructor(name) {
    super(name);
    this.init(name);
  }

  // The area, in pixels.
  area() {
    return compute(this.#secret);
  }

  get size() { return 1; }
  async *walk() { yield* inner(); }
}

class Square extends Shape {}

/* Draws. */
export function draw(shape, { depth = 1 } = {}) {
  const local = new Square();
  function nested() { return local.area(); }
  return nested();
}

export const scale = (shape, by) => shape.resize(by);

const handlers = {
  click: function (event) { dispatch(event); },
  hover: () => current,
};

export default function () { return <Canvas size={3}><Shape /></Canvas>; }

module.exports = { area, round: compute };

/** @typedef {import('./shape').Shape} Shape */
/**
 * @typedef {Object} Drawn
 * @property {Shape} shape
 * @property {{ left: number, right: number }} [edges]
 */
/** @callback Draw @param {Drawn} drawn @returns {Shape} */
class Board {
  /** @param {Drawn} drawn */
  constructor(drawn) {
    if (drawn) { this.last = this.drawn = drawn; }
  }
  /** @returns {Map<string, Shape>} */
  get shapes() { return this.drawn; }
}
Board.prototype.clear = function () {};
Object.defineProperty(exports, "Board", { get() { return Board; } });
exports.board = new (class { open() {} })();
