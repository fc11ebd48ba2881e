// A style sheet that a test imports is its text.
declare module '*.css' {
  const text: string;
  export default text;
}
