import React from "react";

type Props = { name: string };

/** Greets. */
export function Greeting({ name }: Props): JSX.Element {
  const [count, setCount] = useState<number>(0);
  return <Panel title={name} onClick={() => setCount(count + 1)}><b>hi</b></Panel>;
}
