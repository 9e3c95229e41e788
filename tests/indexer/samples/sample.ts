import { Base, type Options } from "./base";
import fs = require("fs");

/** What can be drawn. */
export interface Drawable extends Named, Sized<number> {
  readonly color: string;
  draw(at: Point): void;
}

type Handler<T> = (event: T) => Result<T>;

export enum Mode { Fast, Slow = 2 }

declare const VERSION: string;
declare function external(x: number): string;

namespace Geometry {
  export const ORIGIN: Point = { x: 0, y: 0 };
  export function distance(a: Point, b: Point): number {
    return Math.hypot(a.x - b.x);
  }
}

declare module "plugin" {
  export function load(): void;
}

/** A circle. */
@Component({ selector: "circle" })
export abstract class Circle<T> extends Base<T> implements Drawable, ns.Other {
  private radius: number = 1;
  static shared?: Map<string, Circle>;

  constructor(private readonly options: Options) {
    super();
  }

  abstract area(): number;

  // Draws it.
  draw(at: Point): void {
    const helper = new Geometry.Helper<T>(at);
    helper.run(this.options as Options);
  }
}

export const build = async (options: Options): Promise<Circle> => make(options);
function overload(a: string): void;
function overload(a: any) {}
export class Square implements Shape, Geometry.Sized { area() { return 1; } }
export type Maybe<T> = { readonly [K in keyof T]: T[K] } & {};
export type Given<T> = Maybe<T> | undefined;
