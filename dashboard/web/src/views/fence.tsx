// fence - one panel that fails is one panel that says so, never a blank page.

import { Component, type ComponentChildren } from 'preact';

export class Fence extends Component<{ name: string; children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return <section class="panel panel-small absent">{this.props.name} cannot be drawn here.</section>;
  }
}
