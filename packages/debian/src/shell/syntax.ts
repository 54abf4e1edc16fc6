/** A piece of a word. Quoted pieces are neither split nor matched against files. */
export type WordPart =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly operator: string;
      readonly argument: Word;
      readonly quoted: boolean;
    }
  | { readonly kind: 'command'; readonly list: CommandList; readonly quoted: boolean }
  | { readonly kind: 'arithmetic'; readonly expression: Word; readonly quoted: boolean };

export type Word = readonly WordPart[];

export type Redirection = {
  readonly fd: number;
  readonly operator: '<' | '>' | '>>' | '>|' | '<&' | '>&' | '<<';
  readonly target: Word;
};

export type Command =
  | {
      readonly kind: 'simple';
      readonly assignments: readonly { readonly name: string; readonly value: Word }[];
      readonly words: readonly Word[];
      readonly redirections: readonly Redirection[];
    }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly condition: CommandList; readonly body: CommandList }[];
      readonly otherwise: CommandList | undefined;
      readonly redirections: readonly Redirection[];
    }
  | {
      readonly kind: 'while';
      readonly until: boolean;
      readonly condition: CommandList;
      readonly body: CommandList;
      readonly redirections: readonly Redirection[];
    }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly words: readonly Word[] | undefined;
      readonly body: CommandList;
      readonly redirections: readonly Redirection[];
    }
  | {
      readonly kind: 'case';
      readonly word: Word;
      readonly items: readonly { readonly patterns: readonly Word[]; readonly body: CommandList }[];
      readonly redirections: readonly Redirection[];
    }
  | {
      readonly kind: 'group';
      readonly subshell: boolean;
      readonly body: CommandList;
      readonly redirections: readonly Redirection[];
    }
  | { readonly kind: 'function'; readonly name: string; readonly body: Command };

export type Pipeline = { readonly negated: boolean; readonly commands: readonly Command[] };

/** Pipelines, each with what stands before it. */
export type CommandList = readonly { readonly join: ';' | '&&' | '||'; readonly pipeline: Pipeline }[];

/** A script that is not written in the part of sh(1) that is understood here. */
export class ShellSyntaxError extends Error {}
